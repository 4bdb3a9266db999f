import { Monitor, Moon, Sun } from 'lucide-react'

import { setTheme, type Theme, useTheme } from '../theme/theme.ts'
import { classNames } from '../ui/class-names.ts'
import { Section } from '../ui/page.tsx'

const THEMES = [
  { id: 'system', label: 'System', icon: Monitor, help: 'Follows your device' },
  { id: 'light', label: 'Light', icon: Sun, help: 'Ink on paper' },
  { id: 'dark', label: 'Dark', icon: Moon, help: 'For the night' },
] as const

/** `/settings/appearance`: the theme on this device. */
export function AppearancePage() {
  const theme = useTheme()
  return (
    <Section
      title="Theme"
      help="For this browser. More contrast and less motion follow the settings of your device."
    >
      <div role="radiogroup" aria-label="Theme" className="grid gap-3 sm:grid-cols-3">
        {THEMES.map(({ id, label, icon: Icon, help }) => (
          <label
            key={id}
            className={classNames(
              'flex cursor-pointer flex-col gap-3 rounded-card border p-3 transition-colors duration-(--fast) has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-offset-2 has-[:focus-visible]:outline-accent',
              theme === id ? 'border-accent bg-accent-wash' : 'border-line hover:border-line-strong',
            )}
          >
            <input
              type="radio"
              name="theme"
              value={id}
              checked={theme === id}
              onChange={() => setTheme(id)}
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
  )
}

/** The frame in small, in its own colours. */
function Preview({ theme }: { readonly theme: Theme }) {
  return (
    <span
      aria-hidden="true"
      className={classNames(
        'flex h-20 overflow-hidden rounded-control border border-line bg-bg',
        PREVIEWS[theme],
      )}
    >
      <span className="flex w-1/4 flex-col gap-1.5 border-r border-line p-2">
        <span className="h-1.5 w-full rounded-full bg-accent" />
        <span className="h-1.5 w-3/4 rounded-full bg-line-strong" />
        <span className="h-1.5 w-3/4 rounded-full bg-line-strong" />
      </span>
      <span className="flex flex-1 flex-col gap-1.5 p-2">
        <span className="h-2 w-1/3 rounded-full bg-ink" />
        <span className="flex-1 rounded-sm border border-line bg-surface" />
      </span>
    </span>
  )
}

const PREVIEWS: Record<Theme, string> = { system: '', light: 'scheme-only-light', dark: 'scheme-only-dark' }
