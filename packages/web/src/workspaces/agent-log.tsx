import { useMemo, useState } from 'react'

import type { WorkspaceAgent } from '@slipway/contract'
import { LogViewer } from '../ui/log/log-viewer.tsx'
import { useLogStream } from '../ui/log/use-log-stream.ts'
import { agentLogLines } from './job-log-lines.ts'

const ENDED = new Set(['ready', 'start_error', 'off', 'shutdown_error'])

/** The log of an agent's scripts, by source (UI-729). */
export function AgentLog({
  agent,
  height,
}: {
  readonly agent: WorkspaceAgent
  /** CSS length. */
  readonly height: string
}) {
  const sources = useMemo(
    () => new Map(agent.log_sources.map((source) => [source.id, source.display_name])),
    [agent.log_sources],
  )
  const { lines, ended } = useLogStream(
    `agent ${agent.id}`,
    (after) => `/api/v2/workspaceagents/${agent.id}/logs?follow=true&after=${after}`,
    (frame) => agentLogLines(frame, sources),
  )
  const names = useMemo(() => [...new Set(lines.map((line) => line.stage))].sort(), [lines])
  const failed = useMemo(
    () =>
      new Set(
        agent.scripts
          .filter(({ status }) => status !== undefined && status !== 'ok')
          .map((script) => sources.get(script.log_source_id) ?? script.display_name),
      ),
    [agent.scripts, sources],
  )
  const [source, setSource] = useState('')
  const shown = useMemo(
    () => (source === '' ? lines : lines.filter((line) => line.stage === source)),
    [lines, source],
  )
  return (
    <LogViewer
      label={`Log of ${agent.name}`}
      lines={shown}
      done={ended || ENDED.has(agent.lifecycle_state)}
      fileName={`${agent.name}.log`}
      overflowed={agent.logs_overflowed}
      empty="The scripts of this agent have not written anything yet."
      toolbar={
        names.length < 2 ? null : (
          <select
            value={source}
            aria-label="Source"
            onChange={(event) => setSource(event.target.value)}
            className="h-7 max-w-44 rounded-control border border-line bg-surface px-1.5 text-xs"
          >
            <option value="">All sources</option>
            {names.map((name) => (
              <option key={name} value={name}>
                {name === '' ? 'Agent' : name}
              </option>
            ))}
          </select>
        )
      }
      failedStages={failed}
      height={height}
    />
  )
}
