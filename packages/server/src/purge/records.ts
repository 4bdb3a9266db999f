import type { Config } from '../config/index.ts'
import {
  type DeleteOld,
  deleteExpiredKeys,
  deleteOldAgentLogs,
  deleteOldAuditEntries,
  deleteOldDaemons,
} from './store.ts'

const DAEMONS_MS = 7 * 86_400_000

/** A kind of record that grows old. */
export interface PurgedRecords {
  /** Label in metrics. */
  readonly type: string
  /** How long they are kept, in milliseconds; 0 is for ever. */
  readonly retentionMs: (config: Config) => number
  readonly deleteOld: DeleteOld
}

/** What the purge deletes, in its order (OP-76). */
export const PURGED: readonly PurgedRecords[] = [
  {
    type: 'workspace_agent_logs',
    retentionMs: (config) => config.workspaceAgentLogsRetention,
    deleteOld: deleteOldAgentLogs,
  },
  { type: 'provisioner_daemons', retentionMs: () => DAEMONS_MS, deleteOld: deleteOldDaemons },
  {
    type: 'expired_api_keys',
    retentionMs: (config) => config.apiKeysRetention,
    deleteOld: deleteExpiredKeys,
  },
  {
    type: 'audit_logs',
    retentionMs: (config) => config.auditLogsRetention,
    deleteOld: deleteOldAuditEntries,
  },
]
