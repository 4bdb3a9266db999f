import type { Selectable } from 'kysely'

import type {
  AppearanceSettings,
  HealthSettings,
  NotificationsSettings,
  NotificationTemplate,
  OAuth2ProviderSettings,
} from '@slipway/contract'
import type {
  AiModelPricesTable,
  AiProvidersTable,
  ApiKeysTable,
  ChatsTable,
  CustomRolesTable,
  GitSshKeysTable,
  GroupAiBudgetsTable,
  GroupsTable,
  IdentityProvidersTable,
  McpServerConfigsTable,
  Oauth2ProviderAppSecretsTable,
  Oauth2ProviderAppsTable,
  OrganizationMembersTable,
  OrganizationsTable,
  TasksTable,
  TemplatesTable,
  TemplateVersionsTable,
  UserAiBudgetOverridesTable,
  UserSecretsTable,
  UserSkillsTable,
  UsersTable,
  WorkspaceBuildsTable,
  WorkspacesTable,
} from '../../database/tables.ts'

/** A group with all who were put into it, in the order of their ids (RB-99). */
export type AuditedGroup = Selectable<GroupsTable> & {
  readonly members: readonly { readonly group_id: string; readonly user_id: string }[]
  /** What members may ask of models; only where that changes (AG-B9, AG-B12). */
  readonly ai_model_policy?: object
  readonly ai_limits?: object
}

type PermissionLists = 'site_permissions' | 'user_permissions' | 'org_permissions' | 'member_permissions'

/** A role with each permission as one word (RB-99). */
export type AuditedRole = Omit<Selectable<CustomRolesTable>, PermissionLists | 'organization_id'> & {
  readonly [List in PermissionLists]: readonly string[]
} & {
  /** None for a role of the deployment (RB-136). */
  readonly organization_id: string | null
}

/** What models are told in new chats, or in plan mode; what belongs to the other is empty (RB-95). */
export interface AuditedChatInstructions {
  readonly id: string
  readonly name: string
  readonly system_prompt: string
  readonly include_default_system_prompt: boolean
  readonly include_default_system_prompt_set: boolean
  readonly plan_mode_instructions: string
}

/** A key of a model provider, masked, with the name of the provider (AG-103). */
export interface AuditedProviderKey {
  readonly id: string
  readonly provider_id: string
  readonly name: string
  readonly api_key: string
  readonly created_at: Date
  readonly updated_at: Date
}

/** What a model costs, in millionths of a dollar for a million tokens. */
type AuditedPrice = Pick<
  Selectable<AiModelPricesTable>,
  'provider' | 'model' | 'input_price' | 'output_price' | 'cache_read_price' | 'cache_write_price'
>

/** A limit as people read it, such as `$12.00`, and of which group. */
interface AuditedLimit {
  readonly group_name: string
  readonly spend_limit: string
}

/** What each member of a group may spend on models (AG-115). */
export type AuditedGroupBudget = Selectable<GroupAiBudgetsTable> & AuditedLimit

/** What one user may spend on models (AG-115). */
export type AuditedOverride = Selectable<UserAiBudgetOverridesTable> &
  AuditedLimit & { readonly username: string }

/** A conversion of an account from one way to sign in to another (ID-176). */
export interface AuditedConversion {
  readonly user_id: string
  readonly created_at: Date
  readonly expires_at: Date
  readonly from_login_type: string
  readonly to_login_type: string
}

/** What a claim of an identity provider gives. */
interface AuditedSync {
  readonly field: string
  readonly mapping: Readonly<Record<string, readonly string[]>>
}
type AuditedRoleSync = AuditedSync & { readonly organization_id: string }

/** Rows whose changes are recorded, by the type that entries name. */
export interface AuditedRows {
  readonly user: Selectable<UsersTable>
  readonly ai_provider: Selectable<AiProvidersTable> & {
    /** By which way requests go; only where that changes (AG-B10). */
    readonly routing?: object
  }
  readonly ai_provider_key: AuditedProviderKey
  readonly ai_model_price: AuditedPrice
  readonly api_key: Selectable<ApiKeysTable> & {
    /** What it may do at the gateway; only where that changes (AG-B8). */
    readonly ai_limits?: object
  }
  readonly chat_instruction_settings: AuditedChatInstructions
  readonly chat: Selectable<ChatsTable>
  readonly convert_login: AuditedConversion
  readonly custom_role: AuditedRole
  readonly git_ssh_key: Selectable<GitSshKeysTable>
  readonly group: AuditedGroup
  readonly group_ai_budget: AuditedGroupBudget
  readonly identity_provider: Selectable<IdentityProvidersTable>
  readonly idp_sync_settings_group: AuditedRoleSync & {
    readonly regex_filter: string | null
    readonly auto_create_missing_groups: boolean
    readonly legacy_group_name_mapping: Readonly<Record<string, string>>
  }
  readonly idp_sync_settings_organization: AuditedSync & { readonly assign_default: boolean }
  readonly idp_sync_settings_role: AuditedRoleSync
  readonly mcp_server_config: Selectable<McpServerConfigsTable>
  readonly notification_template: NotificationTemplate
  readonly appearance_settings: AppearanceSettings
  readonly health_settings: HealthSettings
  readonly notifications_settings: NotificationsSettings
  readonly oauth2_provider_app: Selectable<Oauth2ProviderAppsTable>
  readonly oauth2_provider_app_secret: Selectable<Oauth2ProviderAppSecretsTable>
  readonly oauth2_provider_settings: OAuth2ProviderSettings
  readonly organization: Selectable<OrganizationsTable> & {
    /** What holds for members who ask models; only where that changes (AG-B14, AG-B16). */
    readonly ai_spend_limit_micros?: number | null
    readonly ai_privacy?: object
  }
  readonly organization_member: Selectable<OrganizationMembersTable> & { readonly username: string }
  readonly task: Selectable<TasksTable>
  readonly template: Selectable<TemplatesTable>
  readonly template_version: Selectable<TemplateVersionsTable>
  readonly user_ai_budget_override: AuditedOverride
  readonly user_secret: Selectable<UserSecretsTable>
  readonly user_skill: Selectable<UserSkillsTable>
  readonly workspace: Selectable<WorkspacesTable>
  readonly workspace_build: Selectable<WorkspaceBuildsTable>
}
