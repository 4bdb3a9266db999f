import { shareOf } from '../ai-gateway/money.ts'
import { dollars } from '../chats/chat-words.ts'
import { classNames } from '../ui/class-names.ts'

/** From where on a budget is nearly spent (AG-114). */
const NEAR = 0.85

/** What is spent of a limit, as a line and in words; without a limit only what is spent. */
export function SpendMeter({
  label,
  spent,
  limit,
  wide = false,
}: {
  /** What it is the budget of. */
  readonly label: string
  readonly spent: number
  readonly limit: number | null
  readonly wide?: boolean
}) {
  if (limit === null)
    return (
      <span className="whitespace-nowrap tabular-nums">
        {dollars(spent)} <span className="text-ink-3">no limit</span>
      </span>
    )
  const share = shareOf(spent, limit)
  const full = spent >= limit
  const near = !full && share >= NEAR
  return (
    <span className={classNames('inline-flex min-w-0 flex-col gap-1', wide ? 'w-full' : 'w-40 max-w-full')}>
      <span className="flex items-baseline justify-between gap-2 whitespace-nowrap text-xs tabular-nums">
        <span>
          <span className={wide ? 'text-sm font-medium' : 'font-medium'}>{dollars(spent)}</span>{' '}
          <span className="text-ink-2">of {dollars(limit)}</span>
        </span>
        <span className={full ? 'font-medium text-bad' : near ? 'font-medium text-warn' : 'text-ink-2'}>
          {full ? 'spent' : spent > 0 && share < 0.01 ? '<1 %' : `${Math.floor(share * 100)} %`}
        </span>
      </span>
      {/* biome-ignore lint/a11y/useSemanticElements: the browser's meter has colours and a shape of its own */}
      <span
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
        aria-valuetext={`${dollars(spent)} of ${dollars(limit)}`}
        className="block h-1.5 overflow-hidden rounded-full bg-line"
      >
        <span
          className={classNames(
            'block h-full rounded-full',
            full ? 'bg-bad' : near ? 'bg-warn' : 'bg-accent',
          )}
          style={{ width: `${share * 100}%` }}
        />
      </span>
    </span>
  )
}
