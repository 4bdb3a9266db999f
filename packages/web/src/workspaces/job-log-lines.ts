import type { LogLevel as WireLevel } from '@slipway/contract'
import type { LogLevel, LogLine } from '../ui/log/log-rows.ts'

const LEVELS: readonly WireLevel[] = ['trace', 'debug', 'info', 'warn', 'error']

/** The line of a frame of `/workspacebuilds/{id}/logs` or `/templateversions/{id}/logs`; none when it is no such frame. */
export function jobLogLines(frame: unknown): readonly LogLine[] {
  const line = record(frame)
  if (line === undefined || typeof line.id !== 'number' || typeof line.output !== 'string') return []
  return [
    {
      id: line.id,
      at: text(line.created_at),
      level: level(line.log_level),
      stage: text(line.stage),
      text: line.output,
    },
  ]
}

/** The lines of a frame of `/workspaceagents/{id}/logs`: an array. `sources` names them by their id. */
export function agentLogLines(frame: unknown, sources: ReadonlyMap<string, string>): readonly LogLine[] {
  return (Array.isArray(frame) ? frame : []).flatMap((one: unknown) => {
    const line = record(one)
    if (line === undefined || typeof line.id !== 'number' || typeof line.output !== 'string') return []
    const source = text(line.source_id)
    return [
      {
        id: line.id,
        at: text(line.created_at),
        level: level(line.level),
        stage: sources.get(source) ?? '',
        text: line.output,
      },
    ]
  })
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? { ...value } : undefined
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function level(value: unknown): LogLevel {
  return LEVELS.find((known) => known === value) ?? 'info'
}
