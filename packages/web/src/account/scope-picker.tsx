import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useMemo, useState } from 'react'

import { classNames } from '../ui/class-names.ts'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Checkbox, TextInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { scopesQuery } from './queries.ts'
import { describeSet, FULL_SCOPE, isCovered } from './token-scopes.ts'

const PRESET = 'coder:'

/** What the presets are for; others show by their name. */
const WORDS: Readonly<Record<string, string>> = {
  'coder:workspaces.create': 'Make workspaces and change them',
  'coder:workspaces.operate': 'Start, stop and change workspaces',
  'coder:workspaces.delete': 'Delete workspaces',
  'coder:workspaces.access': 'Connect to workspaces over SSH and apps',
  'coder:templates.build': 'Import template versions',
  'coder:templates.author': 'Make, change and delete templates',
  'coder:apikeys.manage_self': 'Manage your own tokens',
  'coder:application_connect': 'Open apps of workspaces',
  'coder:ai_gateway.use': 'Ask AI models through the gateway',
}

type Mode = 'full' | 'presets' | 'custom'

/** Which scopes a token gets: everything, ready sets, or single actions on kinds of resources (UI-1503). */
export function ScopePicker({
  value,
  onChange,
  full,
}: {
  readonly value: readonly string[]
  readonly onChange: (scopes: readonly string[]) => void
  /** What full access comes to, where it is not that of a token. */
  readonly full?: ReactNode
}) {
  const catalogue = useQuery(scopesQuery)
  const [mode, setMode] = useState<Mode>(() => modeOf(value))
  const scopes = catalogue.data?.external ?? []
  const choose = (next: Mode) => {
    setMode(next)
    onChange(next === 'full' ? [FULL_SCOPE] : [])
  }
  const toggle = (scope: string, on: boolean) =>
    onChange(on ? [...value, scope] : value.filter((one) => one !== scope))
  return (
    <div className="flex flex-col gap-4">
      <Segmented label="Access" options={MODES} value={mode} onChange={choose} />
      {mode === 'full'
        ? (full ?? (
            <Notice tone="warn" title="The token can do everything that you can">
              If the program needs less, choose presets or single actions.
            </Notice>
          ))
        : null}
      {mode !== 'full' && catalogue.isError ? (
        <ErrorNotice
          error={catalogue.error}
          title="The scopes could not be read"
          onRetry={() => void catalogue.refetch()}
        />
      ) : null}
      {mode === 'presets' ? (
        <ul className="grid gap-2 sm:grid-cols-2">
          {scopes
            .filter((scope) => scope.startsWith(PRESET) && scope !== FULL_SCOPE)
            .map((scope) => (
              <li key={scope}>
                <Choice
                  scope={scope}
                  label={WORDS[scope] ?? scope}
                  note={describeSet(scope)}
                  covered={!value.includes(scope) && isCovered(scope, value)}
                  checked={value.includes(scope)}
                  onChange={(on) => toggle(scope, on)}
                />
              </li>
            ))}
        </ul>
      ) : null}
      {mode === 'custom' && value.some((scope) => scope.startsWith(PRESET)) ? (
        <ul aria-label="Presets of the token" className="grid gap-2 sm:grid-cols-2">
          {value
            .filter((scope) => scope.startsWith(PRESET))
            .map((scope) => (
              <li key={scope}>
                <Choice
                  scope={scope}
                  label={WORDS[scope] ?? scope}
                  note={describeSet(scope)}
                  covered={false}
                  checked
                  onChange={() => toggle(scope, false)}
                />
              </li>
            ))}
        </ul>
      ) : null}
      {mode === 'custom' ? <Matrix scopes={scopes} value={value} onChange={onChange} /> : null}
    </div>
  )
}

/** Where the scopes of a token are found again. */
function modeOf(scopes: readonly string[]): Mode {
  if (scopes.includes(FULL_SCOPE)) return 'full'
  return scopes.every((scope) => scope.startsWith(PRESET)) ? 'presets' : 'custom'
}

const MODES: readonly { readonly id: Mode; readonly label: string }[] = [
  { id: 'full', label: 'Full access' },
  { id: 'presets', label: 'Presets' },
  { id: 'custom', label: 'Single actions' },
]

function Choice({
  scope,
  label,
  note,
  covered,
  checked,
  onChange,
}: {
  readonly scope: string
  readonly label: string
  readonly note: string
  /** A wider one that is chosen allows all of it already. */
  readonly covered: boolean
  readonly checked: boolean
  readonly onChange: (on: boolean) => void
}) {
  const id = `scope-${scope}`
  return (
    <label
      htmlFor={id}
      className={classNames(
        'flex h-full cursor-pointer items-start gap-2.5 rounded-control border px-3 py-2 text-sm',
        checked || covered ? 'border-accent bg-accent-wash' : 'border-line-strong hover:border-ink-3',
        covered && 'border-dashed',
      )}
    >
      <span className="mt-0.5">
        <Checkbox id={id} checked={checked || covered} disabled={covered} onChange={onChange} />
      </span>
      <span className="min-w-0">
        <span className="block font-medium">{label}</span>
        <span className="block text-xs text-ink-2">{covered ? 'Included in another preset' : note}</span>
      </span>
    </label>
  )
}

/** Kinds of resources with their actions; `kind:*` covers a whole row. */
function Matrix({
  scopes,
  value,
  onChange,
}: {
  readonly scopes: readonly string[]
  readonly value: readonly string[]
  readonly onChange: (scopes: readonly string[]) => void
}) {
  const [filter, setFilter] = useState('')
  const rows = useMemo(() => {
    const single = scopes.filter((scope) => scope.includes(':') && !scope.startsWith(PRESET))
    return [...Map.groupBy(single, (scope) => scope.slice(0, scope.indexOf(':')))].sort(([a], [b]) =>
      a.localeCompare(b),
    )
  }, [scopes])
  const shown = rows.filter(([kind]) => kind.includes(filter.trim().toLowerCase()))
  const setRow = (kind: string, next: readonly string[]) =>
    onChange([...value.filter((scope) => !scope.startsWith(`${kind}:`)), ...next])
  return (
    <div className="flex flex-col gap-2">
      <TextInput
        type="search"
        aria-label="Filter resources"
        placeholder="Filter resources"
        value={filter}
        onChange={(event) => setFilter(event.target.value)}
        className="max-w-64"
      />
      <ul className="max-h-96 overflow-y-auto rounded-control border border-line">
        {shown.map(([kind, members]) => {
          const whole = `${kind}:*`
          const all = value.includes(whole)
          const chosen = value.filter((scope) => scope.startsWith(`${kind}:`))
          const actions = members.filter((scope) => scope !== whole)
          return (
            <li key={kind} className="border-b border-line px-3 py-2 last:border-0">
              <div className="flex items-center gap-2.5">
                <Checkbox
                  id={`scope-${whole}`}
                  checked={all ? true : chosen.length > 0 ? 'indeterminate' : false}
                  onChange={(on) => setRow(kind, on ? (members.includes(whole) ? [whole] : actions) : [])}
                />
                <label htmlFor={`scope-${whole}`} className="text-sm font-medium">
                  {kind.replaceAll('_', ' ')}
                </label>
              </div>
              <div className="mt-1.5 flex flex-wrap gap-1.5 pl-6.5">
                {actions.map((scope) => {
                  const on = all || value.includes(scope)
                  return (
                    <button
                      key={scope}
                      type="button"
                      aria-pressed={on}
                      disabled={all}
                      onClick={() =>
                        setRow(kind, on ? chosen.filter((one) => one !== scope) : [...chosen, scope])
                      }
                      className={classNames(
                        'h-6 rounded-full border px-2.5 text-xs pointer-coarse:h-9',
                        on
                          ? 'border-transparent bg-accent-wash text-accent'
                          : 'border-line-strong text-ink-2 hover:text-ink',
                      )}
                    >
                      {scope.slice(kind.length + 1).replaceAll('_', ' ')}
                    </button>
                  )
                })}
              </div>
            </li>
          )
        })}
        {shown.length === 0 ? (
          <li className="px-3 py-6 text-center text-sm text-ink-2">Nothing has that name.</li>
        ) : null}
      </ul>
    </div>
  )
}
