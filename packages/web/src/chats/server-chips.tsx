import { Plug, X } from 'lucide-react'

const MOST = 2

interface ChosenServer {
  readonly id: string
  readonly name: string
  readonly locked: boolean
}

/** MCP servers that go along with the message; many of them as a number (UI-1120). */
export function ServerChips({
  servers,
  onRemove,
}: {
  readonly servers: readonly ChosenServer[]
  readonly onRemove: (id: string) => void
}) {
  const shown = servers.length > MOST + 1 ? servers.slice(0, MOST) : servers
  const rest = servers.slice(shown.length)
  return (
    <>
      {shown.map(({ id, name, locked }) => (
        <span key={id} title={locked ? 'Always on, as administrators want it' : undefined} className={LOOK}>
          <Plug className="size-3.5 shrink-0" strokeWidth={1.75} aria-hidden="true" />
          <span className="truncate">{name}</span>
          {locked ? null : (
            <button
              type="button"
              aria-label={`Do not use ${name}`}
              onClick={() => onRemove(id)}
              className="-mr-1.5 inline-flex size-6 shrink-0 items-center justify-center rounded-sm hover:bg-hover"
            >
              <X className="size-3" />
            </button>
          )}
        </span>
      ))}
      {rest.length === 0 ? null : (
        <span title={rest.map(({ name }) => name).join(', ')} className={LOOK}>
          +{rest.length}
          <span className="sr-only"> more: {rest.map(({ name }) => name).join(', ')}</span>
        </span>
      )}
    </>
  )
}

const LOOK =
  'inline-flex h-7 max-w-44 items-center gap-1.5 rounded-control bg-accent-wash px-2 text-xs font-medium text-accent'
