import type { ConnectionLog, ConnectionType } from '@slipway/contract'

const LABELS: Readonly<Record<ConnectionType, string>> = {
  ssh: 'SSH',
  vscode: 'VS Code',
  jetbrains: 'JetBrains',
  reconnecting_pty: 'Web terminal',
  workspace_app: 'App',
  port_forwarding: 'Port',
  tunnel: 'Tunnel',
}

/** What a way into a workspace is called. */
export function typeLabel(type: ConnectionType): string {
  return LABELS[type]
}

/** Every way into a workspace, for menus. */
export const TYPES = (
  [
    'ssh',
    'vscode',
    'jetbrains',
    'reconnecting_pty',
    'workspace_app',
    'port_forwarding',
    'tunnel',
  ] as const satisfies readonly ConnectionType[]
).map((value) => ({ value, label: LABELS[value] }))

/** Names of the signals that end programs, by number. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  6: 'SIGABRT',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
}

/** How a session has ended, or what a visit was answered; `undefined` while there is no answer. */
export function codeText(entry: Pick<ConnectionLog, 'ssh_info' | 'web_info'>): string | undefined {
  if (entry.web_info !== undefined)
    return entry.web_info.status_code === 0 ? undefined : String(entry.web_info.status_code)
  const code = entry.ssh_info?.exit_code
  if (code === undefined) return undefined
  // A shell answers 128 and the number of the signal that has ended its program.
  const signal = SIGNALS[code - 128]
  return signal === undefined ? `exit ${code}` : `exit ${code}, ${signal}`
}

/** Whether the code is no success. */
export function hasFailed(entry: Pick<ConnectionLog, 'ssh_info' | 'web_info'>): boolean {
  return entry.web_info === undefined
    ? (entry.ssh_info?.exit_code ?? 0) !== 0
    : entry.web_info.status_code >= 400
}

/** Whether a session goes on; visits are instants. */
export function isOngoing(entry: Pick<ConnectionLog, 'ssh_info' | 'web_info'>): boolean {
  return entry.ssh_info !== undefined && entry.ssh_info.disconnect_time === undefined
}
