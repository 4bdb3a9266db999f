import type { Selectable } from 'kysely'

import type {
  AgentsWithWorkspaceTable,
  WorkspaceAgentLogSourcesTable,
  WorkspaceAgentScriptsTable,
  WorkspaceAgentScriptTimingsTable,
  WorkspaceAgentsTable,
  WorkspaceAppStatusesTable,
  WorkspaceAppsTable,
  WorkspaceResourcesTable,
} from '../../database/tables.ts'

/** A row as PostgreSQL's `to_jsonb` writes it: times are texts. */
type Json<Row> = {
  readonly [Column in keyof Row]: Row[Column] extends Date
    ? string
    : Row[Column] extends Date | null
      ? string | null
      : Row[Column]
}

/** What an app has reported. */
export type AppStatusRecord = Json<Selectable<WorkspaceAppStatusesTable>>

/** An agent with all that belongs to it. */
export type AgentRecord = Omit<Json<Selectable<WorkspaceAgentsTable>>, 'auth_token_hash'> & {
  /** Derived by the database, whose clock also stamps connections (AC §2.1). */
  readonly status: Selectable<AgentsWithWorkspaceTable>['status']
  readonly apps: readonly (Json<Selectable<WorkspaceAppsTable>> & {
    /** The newest first. */
    readonly statuses: readonly AppStatusRecord[]
  })[]
  readonly scripts: readonly (Json<Selectable<WorkspaceAgentScriptsTable>> &
    Partial<Pick<Selectable<WorkspaceAgentScriptTimingsTable>, 'exit_code' | 'status'>>)[]
  readonly log_sources: readonly Json<Selectable<WorkspaceAgentLogSourcesTable>>[]
}

/** A resource with its agents. */
export type ResourceRecord = Selectable<WorkspaceResourcesTable> & {
  readonly agents: readonly AgentRecord[]
}
