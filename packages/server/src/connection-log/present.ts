import {
  type ConnectionLog,
  type ConnectionType,
  ConnectionType as ConnectionTypes,
  NO_ID,
} from '@slipway/contract'
import type { AuditUserRow } from '../audit-log/index.ts'
import { presentUser } from '../identity/index.ts'
import type { ConnectionRow } from './store.ts'

/** An entry as the API shows it (RB-109). */
export function presentConnection(
  row: ConnectionRow,
  users: ReadonlyMap<string, AuditUserRow>,
): ConnectionLog {
  const type = typeOf(row)
  return {
    id: row.id,
    connect_time: row.connect_time.toISOString(),
    organization: {
      id: row.organization_id,
      name: row.organization_name,
      display_name: row.organization_display_name,
      icon: row.organization_icon,
    },
    workspace_owner_id: row.workspace_owner_id,
    workspace_owner_username: row.workspace_owner_username,
    workspace_id: row.workspace_id,
    workspace_name: row.workspace_name,
    agent_name: row.agent_name,
    ip: row.ip ?? '',
    type,
    ...infoOf(type, row, users),
  }
}

function infoOf(
  type: ConnectionType,
  row: ConnectionRow,
  users: ReadonlyMap<string, AuditUserRow>,
): Pick<ConnectionLog, 'ssh_info' | 'web_info'> {
  switch (type) {
    case 'ssh':
    case 'vscode':
    case 'jetbrains':
    case 'reconnecting_pty':
      return {
        ssh_info: {
          connection_id: row.connection_id ?? NO_ID,
          ...(row.disconnect_time === null
            ? {}
            : {
                disconnect_time: row.disconnect_time.toISOString(),
                disconnect_reason: row.disconnect_reason ?? '',
              }),
          ...(row.code === null ? {} : { exit_code: row.code }),
        },
      }
    case 'workspace_app':
    case 'port_forwarding':
    case 'tunnel': {
      const user = row.user_id === null ? undefined : users.get(row.user_id)
      return {
        web_info: {
          user_agent: row.user_agent ?? '',
          user: user === undefined ? null : presentUser(user),
          slug_or_port: row.slug_or_port ?? '',
          status_code: row.code ?? 0,
        },
      }
    }
  }
}

/** @throws Error for a row that something else has written. */
function typeOf({ type }: ConnectionRow): ConnectionType {
  const found = ConnectionTypes.enum.find((known) => known === type)
  if (found === undefined)
    throw new Error(`the connection log holds the unknown type ${JSON.stringify(type)}`)
  return found
}
