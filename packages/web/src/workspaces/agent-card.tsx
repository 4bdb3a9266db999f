import { ChevronRight } from 'lucide-react'
import { useEffect, useReducer, useState } from 'react'

import type { Workspace, WorkspaceAgent } from '@slipway/contract'
import { classNames } from '../ui/class-names.ts'
import { CopyableCode } from '../ui/copyable.tsx'
import { Notice } from '../ui/notice.tsx'
import { safeHref } from '../ui/safe-href.ts'
import { StateBadge } from '../ui/state-badge.tsx'
import { AgentApps } from './agent-apps.tsx'
import { AgentLog } from './agent-log.tsx'
import { connectionLook, hasBeenConnected, lifecycleLook, lostAt } from './agent-look.ts'
import { AgentMetadata } from './agent-metadata.tsx'

/** One agent: how it is, what can be opened in it, what it measures, what its scripts said (UI-723). */
export function AgentCard({
  workspace,
  agent,
}: {
  readonly workspace: Workspace
  readonly agent: WorkspaceAgent
}) {
  const connected = agent.status === 'connected'
  const lost = useLost(agent)
  const lifecycle = lifecycleLook(agent)
  // While scripts run, and when one failed, their log is what matters. It stays when they are done, so that nothing
  // goes from under the reader's eyes.
  const logMatters = agent.lifecycle_state === 'starting' || agent.lifecycle_state === 'start_error'
  const [open, setOpen] = useState<boolean>()
  useEffect(() => {
    if (logMatters) setOpen((chosen) => chosen ?? true)
  }, [logMatters])
  const logOpen = open ?? logMatters
  const troubleshooting = safeHref(agent.troubleshooting_url)
  return (
    <section
      aria-label={`Agent ${agent.name}`}
      className="min-w-0 overflow-hidden rounded-card border border-line bg-surface"
    >
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-3">
        <h3 className="font-semibold">
          <bdi>{agent.name}</bdi>
        </h3>
        <StateBadge
          look={connectionLook(agent)}
          since={agent.status === 'connecting' ? agent.created_at : undefined}
        />
        {lifecycle === undefined ? null : (
          <StateBadge look={lifecycle} since={agent.started_at ?? undefined} />
        )}
        <span className="ml-auto flex flex-wrap gap-x-3 text-xs text-ink-3">
          <span>
            {agent.operating_system} {agent.architecture}
          </span>
          {agent.version === '' ? null : <span>{agent.version}</span>}
        </span>
      </div>
      {lost || agent.status === 'timeout' ? (
        <div className="px-4 pb-4">
          <Notice
            tone={agent.status === 'timeout' ? 'bad' : 'warn'}
            title={
              agent.status === 'timeout'
                ? 'The agent did not connect within the time that its template allows'
                : 'The agent has lost its connection'
            }
          >
            {agent.health.reason === '' ? null : (
              <p className="first-letter:uppercase">{agent.health.reason}.</p>
            )}
            {troubleshooting === undefined ? (
              <p>Its log below and the build log may say why. A restart often helps.</p>
            ) : (
              <a className="link" href={troubleshooting} target="_blank" rel="noopener noreferrer">
                What the template says about that
              </a>
            )}
          </Notice>
        </div>
      ) : null}
      {hasBeenConnected(agent) ? (
        <div inert={!connected} className={connected ? undefined : 'opacity-50'}>
          <AgentApps workspace={workspace} agent={agent} />
          <AgentMetadata agent={agent} />
          {agent.display_apps.includes('ssh_helper') ? (
            <div className="flex flex-col gap-1.5 border-t border-line px-4 py-3 sm:flex-row sm:items-center sm:gap-4">
              <span className="text-sm text-ink-2">Connect over SSH</span>
              <div className="min-w-0 flex-1 sm:max-w-md">
                <CopyableCode
                  code={`slipway ssh ${workspace.owner_name}/${workspace.name}.${agent.name}`}
                  label="Copy the command"
                />
              </div>
            </div>
          ) : null}
        </div>
      ) : null}
      <div className="border-t border-line">
        <button
          type="button"
          aria-expanded={logOpen}
          onClick={() => setOpen(!logOpen)}
          className="flex h-10 w-full items-center gap-1.5 px-4 text-left text-sm text-ink-2 outline-offset-[-2px] transition-colors duration-(--fast) hover:bg-hover hover:text-ink pointer-coarse:h-11"
        >
          <ChevronRight
            className={classNames('size-4 transition-transform duration-(--fast)', logOpen && 'rotate-90')}
            aria-hidden="true"
          />
          Script log
        </button>
        {logOpen ? (
          <div className="border-t border-line">
            <AgentLog agent={agent} height="18rem" />
          </div>
        ) : null}
      </div>
    </section>
  )
}

/** Whether the agent has been away for so long that it is worth a notice. */
function useLost(agent: WorkspaceAgent): boolean {
  const at = lostAt(agent)
  const [, look] = useReducer((times: number) => times + 1, 0)
  useEffect(() => {
    const left = at === undefined ? 0 : at - Date.now()
    if (left <= 0) return
    // A little later, so that no clock says that it is not yet.
    const timer = setTimeout(look, left + 100)
    return () => clearTimeout(timer)
  }, [at])
  return at !== undefined && at <= Date.now()
}
