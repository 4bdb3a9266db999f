import { CircleCheck, CircleX, LoaderCircle, Monitor, Moon, Sun, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'

import { useChoice } from '../theme/choice.ts'
import { contrastChoice, type Theme, useTheme, visionChoice } from '../theme/theme.ts'
import { classNames } from '../ui/class-names.ts'
import { Section } from '../ui/page.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { StateBadge, type StateLook } from '../ui/state-badge.tsx'
import { ChatHabits } from './chat-habits.tsx'
import { TerminalLook } from './terminal-look.tsx'
import { useChangeLook } from './use-look.ts'

const THEMES = [
  { id: 'system', label: 'System', icon: Monitor, help: 'Follows your device' },
  { id: 'light', label: 'Light', icon: Sun, help: 'Ink on paper' },
  { id: 'dark', label: 'Dark', icon: Moon, help: 'For the night' },
] as const

const VISIONS = [
  { id: 'plain', label: 'Usual' },
  { id: 'protan-deuter', label: 'Red-green blindness' },
  { id: 'tritan', label: 'Blue-yellow blindness' },
] as const

const CONTRASTS = [
  { id: 'system', label: 'Follow the device' },
  { id: 'more', label: 'More' },
  { id: 'usual', label: 'Usual' },
] as const

const STATES: readonly StateLook[] = [
  { label: 'Running', tone: 'ok', icon: CircleCheck },
  { label: 'Starting', tone: 'run', icon: LoaderCircle },
  { label: 'Unhealthy', tone: 'warn', icon: TriangleAlert },
  { label: 'Failed', tone: 'bad', icon: CircleX },
]

/** `/settings/appearance`: how the dashboard looks, and its habits (UI-1702, UI-1703, ID-200, ID-201). */
export function AppearancePage() {
  const theme = useTheme()
  const vision = useChoice(visionChoice)
  const contrast = useChoice(contrastChoice)
  const change = useChangeLook()
  return (
    <div className="flex flex-col gap-4">
      <Section title="Theme" help="Applies to your account in every browser, and is saved at once.">
        <div role="radiogroup" aria-label="Theme" className="grid gap-3 sm:grid-cols-3">
          {THEMES.map(({ id, label, icon: Icon, help }) => (
            <label
              key={id}
              className={classNames(
                'flex cursor-pointer flex-col gap-3 rounded-card border p-3 transition-colors duration-(--fast) has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-offset-2 has-[:focus-visible]:outline-accent max-sm:flex-row max-sm:items-center',
                theme === id ? 'border-accent bg-accent-wash' : 'border-line hover:border-line-strong',
              )}
            >
              <input
                type="radio"
                name="theme"
                value={id}
                checked={theme === id}
                onChange={() => change({ theme: id })}
                className="sr-only"
              />
              <Preview theme={id} />
              <span className="flex items-start gap-2 text-sm">
                <Icon className="mt-0.5 size-4 text-ink-2" strokeWidth={1.75} aria-hidden="true" />
                <span>
                  <span className="block font-medium">{label}</span>
                  <span className="block text-xs text-ink-2">{help}</span>
                </span>
              </span>
            </label>
          ))}
        </div>
      </Section>
      <Section title="Colors and contrast">
        <div className="flex flex-col gap-5">
          <Line
            title="Status colors"
            text="A status always has an icon and a word, too. Choose colors that you can tell apart."
          >
            <Segmented
              label="Status colors"
              options={VISIONS}
              value={vision}
              onChange={(next) => change({ vision: next })}
            />
            <span className="flex flex-wrap gap-x-4 gap-y-1" aria-hidden="true">
              {STATES.map((look) => (
                <StateBadge key={look.label} look={look} />
              ))}
            </span>
          </Line>
          <Line title="Contrast" text="For this browser. Motion follows the settings of the device.">
            <Segmented label="Contrast" options={CONTRASTS} value={contrast} onChange={contrastChoice.set} />
          </Line>
        </div>
      </Section>
      <TerminalLook />
      <ChatHabits />
    </div>
  )
}

function Line({
  title,
  text,
  children,
}: {
  readonly title: string
  readonly text: string
  readonly children: ReactNode
}) {
  return (
    <div className="flex flex-col gap-2">
      <div>
        <h3 className="text-sm font-medium">{title}</h3>
        <p className="text-sm text-ink-2">{text}</p>
      </div>
      {children}
    </div>
  )
}

/** The frame in small, in its own colors. */
function Preview({ theme }: { readonly theme: Theme }) {
  return (
    <span
      aria-hidden="true"
      className={classNames(
        'flex h-20 overflow-hidden rounded-control border border-line bg-bg max-sm:h-12 max-sm:w-20 max-sm:shrink-0',
        PREVIEWS[theme],
      )}
    >
      <span className="flex w-1/4 flex-col gap-1.5 border-r border-line p-2 max-sm:p-1">
        <span className="h-1.5 w-full rounded-full bg-accent" />
        <span className="h-1.5 w-3/4 rounded-full bg-line-strong" />
        <span className="h-1.5 w-3/4 rounded-full bg-line-strong" />
      </span>
      <span className="flex flex-1 flex-col gap-1.5 p-2 max-sm:p-1">
        <span className="h-2 w-1/3 rounded-full bg-ink" />
        <span className="flex-1 rounded-sm border border-line bg-surface" />
      </span>
    </span>
  )
}

const PREVIEWS: Record<Theme, string> = { system: '', light: 'scheme-only-light', dark: 'scheme-only-dark' }
