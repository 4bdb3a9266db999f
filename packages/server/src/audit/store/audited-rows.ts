import type { Selectable } from 'kysely'

import type {
  ApiKeysTable,
  GitSshKeysTable,
  OrganizationMembersTable,
  TemplatesTable,
  TemplateVersionsTable,
  UsersTable,
  WorkspaceBuildsTable,
  WorkspacesTable,
} from '../../database/tables.ts'

/** Rows whose changes are recorded, by the type that entries name. */
export interface AuditedRows {
  readonly user: Selectable<UsersTable>
  readonly api_key: Selectable<ApiKeysTable>
  readonly git_ssh_key: Selectable<GitSshKeysTable>
  readonly organization_member: Selectable<OrganizationMembersTable> & { readonly username: string }
  readonly template: Selectable<TemplatesTable>
  readonly template_version: Selectable<TemplateVersionsTable>
  readonly workspace: Selectable<WorkspacesTable>
  readonly workspace_build: Selectable<WorkspaceBuildsTable>
}
