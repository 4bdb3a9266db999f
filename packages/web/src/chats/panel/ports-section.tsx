import { useQuery } from '@tanstack/react-query'
import { ExternalLink, Globe, Lock, Plug, ShieldCheck } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'

import type { Workspace, WorkspaceAgent, WorkspaceAgentPortShareLevel } from '@slipway/contract'
import { useOnline } from '../../frame/connection-banner.tsx'
import { Button, buttonClass } from '../../ui/button.tsx'
import { ErrorNotice } from '../../ui/error-notice.tsx'
import { TextInput } from '../../ui/form.tsx'
import { Menu, type MenuItem } from '../../ui/menu.tsx'
import { AfterDelay } from '../../ui/skeleton.tsx'
import { portTarget } from '../../workspaces/app-target.ts'
import { useAppPlace } from '../../workspaces/use-app-place.ts'
import { usePortProtocol } from './port-protocol.ts'
import {
  type KnownPort,
  knownPorts,
  LEVELS,
  listeningPortsQuery,
  mostSharedQuery,
  portSharesQuery,
  useSharePort,
} from './ports.ts'

/** Ports of the workspace: those that are listened on, those that are shared, and any other by its number (UI-728). */
export function PortsSection({
  workspace,
  agent,
  onOpen,
}: {
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent
  readonly onOpen: (port: number) => void
}) {
  const { place, host } = useAppPlace(workspace, agent, true)
  const reachable = place.appHost !== ''
  const listening = useQuery({ ...listeningPortsQuery(agent.id), enabled: reachable })
  const shares = useQuery({ ...portSharesQuery(workspace.id), enabled: reachable })
  const most = useQuery({ ...mostSharedQuery(workspace.template_id), enabled: reachable }).data ?? 'public'
  const [tls, setTls] = usePortProtocol(workspace.id)
  const share = useSharePort(workspace, agent)
  const online = useOnline()
  const ports = knownPorts(listening.data?.ports ?? [], shares.data?.shares ?? [], agent.name)
  const error = host.error ?? listening.error ?? shares.error
  const again = () => {
    for (const question of [host, listening, shares]) if (question.isError) void question.refetch()
  }
  if (host.data !== undefined && !reachable)
    return (
      <p className="text-sm text-ink-2">
        Ports need host names of their own, and this deployment has none. An administrator sets one with{' '}
        <code className="font-mono text-xs">--wildcard-access-url</code>.
      </p>
    )
  const actionsOf = ({ port, share: shared }: KnownPort): readonly (readonly MenuItem[])[] => {
    const now = shared?.share_level ?? 'owner'
    const widest = LEVELS.findIndex(({ level }) => level === most)
    return [
      LEVELS.map(({ level, label }, at) => ({
        id: level,
        label,
        checked: level === now,
        disabled: !online || (at > widest && level !== now),
        hint: at > widest ? 'Not allowed by the template' : undefined,
        onSelect: () => share.mutate({ port, level, tls }),
      })),
    ]
  }
  return (
    <div className="flex flex-col gap-3">
      {error === null ? null : <ErrorNotice error={error} onRetry={again} />}
      {listening.data === undefined ? (
        error === null ? (
          <AfterDelay>
            <div aria-busy="true" className="flex flex-col gap-2">
              <span role="status" className="sr-only">
                Loading the ports
              </span>
              <div className="skeleton h-9 w-full" />
              <div className="skeleton h-9 w-full" />
            </div>
          </AfterDelay>
        ) : null
      ) : ports.length === 0 ? (
        <p className="text-sm text-ink-2">
          Nothing listens in the workspace. Start a server in it, and its port appears here.
        </p>
      ) : (
        <ul className="-mx-1 flex flex-col">
          {ports.map((known) => (
            <PortRow
              key={known.port}
              known={known}
              target={portTarget(known.port, tls, place)}
              actions={actionsOf(known)}
              onOpen={() => onOpen(known.port)}
            />
          ))}
        </ul>
      )}
      <OpenByNumber tls={tls} onTls={setTls} onOpen={onOpen} />
    </div>
  )
}

function PortRow({
  known: { port, process, listening, share },
  target,
  actions,
  onOpen,
}: {
  readonly known: KnownPort
  readonly target: ReturnType<typeof portTarget>
  readonly actions: readonly (readonly MenuItem[])[]
  readonly onOpen: () => void
}) {
  const level = share?.share_level ?? 'owner'
  return (
    <li className="flex min-h-9 items-center gap-1 rounded-control pl-1 hover:bg-hover">
      <button
        type="button"
        onClick={onOpen}
        aria-label={`Open port ${port} beside the chat`}
        className="flex min-h-9 min-w-0 flex-1 items-center gap-3 rounded-control px-1 text-left text-sm outline-offset-[-2px]"
      >
        <span className="w-12 shrink-0 font-mono tabular-nums">{port}</span>
        <bdi className={listening ? 'truncate' : 'truncate text-ink-3'}>
          {listening ? process || 'Unknown program' : 'Nothing listens'}
        </bdi>
      </button>
      <Menu
        label={`Share port ${port}`}
        header={<p className="px-2 py-1 text-xs text-ink-3">Who may open port {port}</p>}
        groups={actions}
        trigger={
          <Button
            tone="quiet"
            size="dense"
            aria-label={`Who may open port ${port}: ${wordsOf(level)}`}
            icon={<LevelIcon level={level} />}
          >
            {level === 'owner' ? null : wordsOf(level)}
          </Button>
        }
      />
      {target.kind === 'link' ? (
        <a
          href={target.href}
          target="_blank"
          rel="noopener noreferrer"
          aria-label={`Open port ${port} in a new tab`}
          title="Open in a new tab"
          className={buttonClass({ tone: 'quiet', size: 'icon' })}
        >
          <ExternalLink className="size-4" strokeWidth={1.75} aria-hidden="true" />
        </a>
      ) : null}
    </li>
  )
}

function wordsOf(level: WorkspaceAgentPortShareLevel): string {
  return { owner: 'only you', organization: 'organization', authenticated: 'signed in', public: 'public' }[
    level
  ]
}

function LevelIcon({ level }: { readonly level: WorkspaceAgentPortShareLevel }) {
  const Icon = level === 'public' ? Globe : level === 'owner' ? Lock : ShieldCheck
  return (
    <Icon
      className={level === 'public' ? 'size-3.5 text-warn' : 'size-3.5'}
      strokeWidth={1.75}
      aria-hidden="true"
    />
  )
}

function OpenByNumber({
  tls,
  onTls,
  onOpen,
}: {
  readonly tls: boolean
  readonly onTls: (tls: boolean) => void
  readonly onOpen: (port: number) => void
}) {
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState(false)
  const id = useId()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0
    if (port < 1 || port > 65_535) return setWrong(true)
    setText('')
    onOpen(port)
  }
  return (
    <form onSubmit={submit} noValidate className="flex flex-wrap items-center gap-2">
      <TextInput
        aria-label="Port number"
        aria-invalid={wrong || undefined}
        aria-describedby={wrong ? `${id}-wrong` : undefined}
        inputMode="numeric"
        placeholder="Other port"
        value={text}
        onChange={({ target }) => {
          setText(target.value)
          setWrong(false)
        }}
        className="w-28 flex-1"
      />
      <Menu
        label="Protocol of ports"
        groups={[
          [
            { id: 'http', label: 'HTTP', checked: !tls, onSelect: () => onTls(false) },
            {
              id: 'https',
              label: 'HTTPS',
              hint: 'For programs in the workspace that speak TLS themselves',
              checked: tls,
              onSelect: () => onTls(true),
            },
          ],
        ]}
        trigger={
          <Button aria-label={`Protocol of ports: ${tls ? 'HTTPS' : 'HTTP'}`}>
            {tls ? 'HTTPS' : 'HTTP'}
          </Button>
        }
      />
      <Button
        type="submit"
        disabled={text.trim() === ''}
        icon={<Plug className="size-4" strokeWidth={1.75} />}
      >
        Open
      </Button>
      {wrong ? (
        <p id={`${id}-wrong`} role="alert" className="basis-full text-xs text-bad">
          A port is a number from 1 to 65535.
        </p>
      ) : null}
    </form>
  )
}
