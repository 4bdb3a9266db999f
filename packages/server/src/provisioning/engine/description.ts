/** A value type of a parameter (WS-120). */
export type ParameterType = 'string' | 'number' | 'bool' | 'list(string)'

/** How a form shows a parameter (WS-120). An engine always resolves it: never empty. */
export type FormType =
  | 'radio'
  | 'dropdown'
  | 'input'
  | 'textarea'
  | 'slider'
  | 'checkbox'
  | 'switch'
  | 'tag-select'
  | 'multi-select'

/** One choice of a parameter; `value` is text as on the wire. */
export interface ParameterOption {
  readonly name: string
  readonly value: string
  readonly description: string
  readonly icon: string
}

/** Rules of the value; empty texts and nulls mean "no such rule" (WS-120). */
export interface ParameterValidation {
  /** ECMAScript regular expression, only for strings. */
  readonly regex: string
  /** Shown instead of the default message; `{min}`, `{max}` and `{value}` are replaced for numbers. */
  readonly error: string
  readonly min: number | null
  readonly max: number | null
  readonly monotonic: '' | 'increasing' | 'decreasing'
}

/** A rich parameter as a template declares it (WS-120, PR-91). Values are text; lists are JSON arrays. */
export interface RichParameter {
  readonly name: string
  readonly displayName: string
  readonly description: string
  readonly type: ParameterType
  readonly formType: FormType
  readonly mutable: boolean
  readonly required: boolean
  readonly ephemeral: boolean
  readonly defaultValue: string
  readonly icon: string
  readonly order: number
  readonly options: readonly ParameterOption[]
  /** Null when the template has no validation block: then a missing value is accepted as empty (PR-95). */
  readonly validation: ParameterValidation | null
}

/** A parameter together with its value for one set of inputs (WS-122, WS-124). */
export interface ResolvedParameter extends RichParameter {
  /** Input if given (even empty), else default, else empty. */
  readonly value: string
  /** Why the value is refused; empty when it is valid. */
  readonly diagnostics: readonly string[]
}

/** A named set of parameter values (PR-92). */
export interface Preset {
  readonly name: string
  readonly description: string
  readonly icon: string
  readonly isDefault: boolean
  readonly parameters: readonly NamedValue[]
  /** Prebuilt workspaces to keep ready; null without a prebuilds block. */
  readonly prebuildInstances: number | null
}

/** A name and its text value: parameters, variables, environment. */
export interface NamedValue {
  readonly name: string
  readonly value: string
}

/** A template variable (PR-79). */
export interface TemplateVariable {
  readonly name: string
  readonly description: string
  /** Type as written in the template: `string`, `number`, `bool`, … */
  readonly type: string
  /** Text; numbers, booleans and lists as JSON. */
  readonly defaultValue: string
  readonly required: boolean
  readonly sensitive: boolean
}

/** An external auth provider that the template asks for (PR-93). */
export interface ExternalAuthNeed {
  readonly id: string
  readonly optional: boolean
}

/** One line of a resource's description (PR-88). */
export interface ResourceMetadataItem {
  readonly key: string
  /** Null values are not stored (PR-52). */
  readonly value: string | null
  readonly sensitive: boolean
}

/** A resource of a plan or a state, with the agents that run on it (PR-83, PR-89). */
export interface Resource {
  readonly type: string
  readonly name: string
  readonly hide: boolean
  readonly icon: string
  readonly instanceType: string
  /** Empty for the root module. */
  readonly modulePath: string
  readonly dailyCost: number
  readonly metadata: readonly ResourceMetadataItem[]
  readonly agents: readonly Agent[]
}

/** How an agent proves who it is (PR-84). In a plan the token may still be empty. */
export type AgentAuth =
  | { readonly type: 'token'; readonly token: string }
  | { readonly type: 'instance-id'; readonly instanceId: string }

/** Built-in app that a client may show for an agent (PR-85). */
export type DisplayApp =
  | 'vscode'
  | 'vscode_insiders'
  | 'web_terminal'
  | 'port_forwarding_helper'
  | 'ssh_helper'

/** An agent of a resource (PR-82). `auth` and `id` are final only in the result of an apply. */
export interface Agent {
  /** UUID of the `workspace_agents` row of this build; empty when the plan cannot know it: make one then. */
  readonly id: string
  readonly name: string
  readonly auth: AgentAuth
  readonly operatingSystem: 'linux' | 'darwin' | 'windows'
  readonly architecture: 'amd64' | 'arm64' | 'armv7'
  readonly directory: string
  /** Already merged (PR-50). */
  readonly env: readonly NamedValue[]
  readonly connectionTimeoutSeconds: number
  readonly troubleshootingUrl: string
  readonly motdFile: string
  readonly order: number
  readonly apiKeyScope: 'all' | 'no_user_data'
  readonly displayApps: readonly DisplayApp[]
  readonly apps: readonly App[]
  /** Includes the startup and shutdown script (PR-85). */
  readonly scripts: readonly Script[]
  readonly metadata: readonly AgentMetadataItem[]
}

/** An app of an agent (PR-87). */
export interface App {
  /** UUID that stays the same over the builds of a workspace (PR-51); empty: make one. */
  readonly id: string
  readonly slug: string
  readonly displayName: string
  /** Null when the app has none. */
  readonly command: string | null
  readonly url: string | null
  readonly external: boolean
  readonly icon: string
  readonly subdomain: boolean
  readonly share: 'owner' | 'authenticated' | 'organization' | 'public'
  readonly healthcheck: AppHealthcheck | null
  readonly group: string
  readonly order: number
  readonly hidden: boolean
  readonly openIn: 'slim-window' | 'tab'
  readonly tooltip: string
}

/** HTTP check of an app by the agent. */
export interface AppHealthcheck {
  readonly url: string
  readonly intervalSeconds: number
  readonly threshold: number
}

/** A script of an agent (AC-117). */
export interface Script {
  readonly displayName: string
  readonly icon: string
  readonly script: string
  readonly logPath: string
  /** Six fields, seconds first; empty without a schedule. */
  readonly cron: string
  readonly startBlocksLogin: boolean
  readonly runOnStart: boolean
  readonly runOnStop: boolean
  /** 0 is no limit. */
  readonly timeoutSeconds: number
}

/** A value that the agent measures and the dashboard shows. */
export interface AgentMetadataItem {
  readonly key: string
  readonly displayName: string
  readonly script: string
  readonly intervalSeconds: number
  readonly timeoutSeconds: number
  readonly order: number
}

/** An AI task of the template (PR-94). */
export interface AiTask {
  readonly id: string
  readonly appId: string
}
