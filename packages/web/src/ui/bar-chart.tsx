import { type KeyboardEvent, type PointerEvent, useId, useState } from 'react'

/** One bar, and the part of it that stands out. */
interface Bar {
  readonly id: string
  /** Under the axis, and where it is read out: "12 Mar". */
  readonly label: string
  readonly value: number
  /** Of what was picked; the whole bar when nothing was. */
  readonly part?: number
}

interface BarChartProps {
  /** What the bars show: "Cost of each day". */
  readonly label: string
  readonly bars: readonly Bar[]
  readonly format: (value: number) => string
  /** What the marked part is, said after its value. */
  readonly partLabel?: string
}

const HEIGHT = 168
const TOP = 8
const BOTTOM = 22

/**
 * Bars over time in one hue, from zero, the values read out where the pointer or the arrow keys are. The page offers the
 * same as a table.
 */
export function BarChart({ label, bars, format, partLabel }: BarChartProps) {
  const id = useId()
  const [at, setAt] = useState<number>()
  const most = niceCeiling(Math.max(0, ...bars.map(({ value }) => value)))
  const scale = (value: number) => (most === 0 ? 0 : (value / most) * (HEIGHT - TOP - BOTTOM))
  const step = 100 / Math.max(1, bars.length)
  const shown = at === undefined ? undefined : bars[at]
  const base = HEIGHT - BOTTOM
  const top = bars.reduce<Bar | undefined>(
    (best, bar) => (bar.value > (best?.value ?? 0) ? bar : best),
    undefined,
  )
  const point = (event: PointerEvent<HTMLDivElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect()
    const index = Math.floor(((event.clientX - left) / width) * bars.length)
    setAt(Math.max(0, Math.min(bars.length - 1, index)))
  }
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const last = bars.length - 1
    const next = {
      ArrowLeft: Math.max(0, (at ?? last + 1) - 1),
      ArrowRight: Math.min(last, (at ?? -1) + 1),
      Home: 0,
      End: last,
    }[event.key]
    if (next === undefined) return
    event.preventDefault()
    setAt(next)
  }
  const words = (bar: Bar) =>
    partLabel === undefined || bar.part === undefined
      ? `${bar.label}: ${format(bar.value)}`
      : `${bar.label}: ${format(bar.part)} ${partLabel}, ${format(bar.value)} in all`
  return (
    <div>
      <p id={id} className="h-5 text-xs tabular-nums text-ink-2" aria-hidden="true">
        {shown !== undefined ? words(shown) : top === undefined ? '' : `Highest, ${words(top)}`}
      </p>
      <div className="flex gap-2">
        <div
          role="slider"
          tabIndex={0}
          aria-label={label}
          aria-valuemin={0}
          aria-valuemax={Math.max(0, bars.length - 1)}
          aria-valuenow={at ?? Math.max(0, bars.length - 1)}
          aria-valuetext={words(shown ?? bars.at(-1) ?? { id: '', label: '', value: 0 })}
          onKeyDown={onKeyDown}
          onPointerMove={point}
          onPointerDown={point}
          onPointerLeave={() => setAt(undefined)}
          onBlur={() => setAt(undefined)}
          className="min-w-0 flex-1 touch-pan-y rounded-sm"
        >
          <svg width="100%" height={HEIGHT} aria-hidden="true" className="block overflow-visible">
            {[0, 0.5, 1].map((share) => (
              <line
                key={share}
                x1="0"
                x2="100%"
                y1={base - scale(most * share)}
                y2={base - scale(most * share)}
                stroke="var(--line)"
                strokeWidth="1"
              />
            ))}
            {bars.map((bar, index) => (
              <g key={bar.id}>
                <rect
                  x={`${index * step + step * 0.14}%`}
                  width={`${step * 0.72}%`}
                  y={base - scale(bar.value)}
                  height={scale(bar.value)}
                  rx="1.5"
                  fill={bar.part === undefined ? 'var(--accent)' : 'var(--ink-3)'}
                  opacity={(bar.part === undefined ? 1 : 0.45) * (at === undefined || at === index ? 1 : 0.6)}
                />
                {bar.part === undefined ? null : (
                  <rect
                    x={`${index * step + step * 0.14}%`}
                    width={`${step * 0.72}%`}
                    y={base - scale(bar.part)}
                    height={scale(bar.part)}
                    rx="1.5"
                    fill="var(--accent)"
                    opacity={at === undefined || at === index ? 1 : 0.6}
                  />
                )}
              </g>
            ))}
            {ticks(bars.length).map((index) => (
              <text
                key={index}
                x={index === 0 ? '0%' : index === bars.length - 1 ? '100%' : `${(index + 0.5) * step}%`}
                y={HEIGHT - 6}
                textAnchor={index === 0 ? 'start' : index === bars.length - 1 ? 'end' : 'middle'}
                fill="var(--ink-2)"
                fontSize="11"
              >
                {bars[index]?.label}
              </text>
            ))}
          </svg>
        </div>
        <div
          className="relative w-14 shrink-0 text-[11px] leading-none tabular-nums text-ink-2"
          style={{ height: HEIGHT }}
          aria-hidden="true"
        >
          {[0, 0.5, 1].map((share) => (
            <span
              key={share}
              className="absolute left-0 -translate-y-1/2 whitespace-nowrap"
              style={{ top: base - scale(most * share) }}
            >
              {most === 0 && share > 0 ? '' : format(most * share)}
            </span>
          ))}
        </div>
      </div>
    </div>
  )
}

/** The first, the middle and the last of so many, as far as they are different ones. */
function ticks(count: number): readonly number[] {
  return [...new Set([0, Math.floor((count - 1) / 2), count - 1])].filter((index) => index >= 0)
}

/** The next round number, one whose half is round too: where an axis ends. */
export function niceCeiling(value: number): number {
  if (value <= 0) return 0
  const power = 10 ** Math.floor(Math.log10(value))
  const factor = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((one) => one * power >= value) ?? 10
  return factor * power
}
