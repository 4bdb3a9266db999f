/** Where agents run. Made by {@link local}. */
export interface LocalRuntime {
  readonly kind: 'local'
}

/** A runtime that Slipway can carry out by itself. */
export type Runtime = LocalRuntime

/**
 * Runs the agents as processes on the machine of the provisioner, each workspace in its own home folder
 * and isolated from the others as far as the machine allows. The home outlives stop and start and is
 * removed with the workspace.
 *
 * @example
 * defineTemplate({
 *   workspace: () => ({ runtime: local(), agents: [{ name: 'main' }] }),
 * })
 */
export function local(): LocalRuntime {
  return { kind: 'local' }
}

/** What the workspace function of a template answers. */
export interface Workspace {
  readonly runtime: Runtime
  /** At least one; names are unique. */
  readonly agents: readonly Agent[]
  /** Shown with the workspace's resource. */
  readonly metadata?: readonly ResourceMetadata[]
  readonly icon?: string
  /** What a day of this workspace counts against the owner's quota. Default 0. */
  readonly dailyCost?: number
  /** Lets people make tasks of the template. */
  readonly aiTask?: AiTask
}

/**
 * The program that carries out tasks: an app of one of the agents that speaks the AgentAPI. Such workspaces have
 * `CODER_TASK_ID` and `CODER_TASK_PROMPT` in the environment of their agents, and `task` among their inputs.
 *
 * @example
 * const aiTask: AiTask = { app: 'assistant' }
 */
export interface AiTask {
  /** Slug of the app. */
  readonly app: string
}

/** A line that describes the workspace's resource. */
export interface ResourceMetadata {
  readonly key: string
  readonly value: string
  /** Hidden until asked for. Default false. */
  readonly sensitive?: boolean
}

/** An agent: the process inside the workspace that terminals, apps and SSH connect to. */
export interface Agent {
  /** Letters, digits and single hyphens, at most 64 characters. */
  readonly name: string
  /** Default: what the provisioner runs on. */
  readonly os?: 'linux' | 'darwin' | 'windows'
  /** Default: what the provisioner runs on. */
  readonly arch?: 'amd64' | 'arm64' | 'armv7'
  /** Folder in which terminals open; default the home folder. */
  readonly directory?: string
  readonly env?: Readonly<Record<string, string>>
  /** Shell script run at each start. */
  readonly startupScript?: string
  /** `blocking` keeps people out until the startup script is done. Default `non-blocking`. */
  readonly startupScriptBehavior?: 'blocking' | 'non-blocking'
  /** Shell script run before the workspace stops. */
  readonly shutdownScript?: string
  readonly scripts?: readonly Script[]
  readonly metadata?: readonly AgentMetadata[]
  readonly apps?: readonly App[]
  readonly displayApps?: DisplayApps
  /** Seconds until an agent that has not connected counts as timed out; 0 is never. Default 120. */
  readonly connectionTimeout?: number
  readonly troubleshootingUrl?: string
  /** Shown when a terminal opens. */
  readonly motdFile?: string
  /** Position in the dashboard. Default 0. */
  readonly order?: number
  /** Default `all`. */
  readonly apiKeyScope?: 'all' | 'no_user_data'
}

/** Built-in apps of the dashboard. All but `vscodeInsiders` are shown by default. */
export interface DisplayApps {
  readonly vscode?: boolean
  readonly vscodeInsiders?: boolean
  readonly webTerminal?: boolean
  readonly portForwardingHelper?: boolean
  readonly sshHelper?: boolean
}

/**
 * A script that the agent runs; at least one of `runOnStart`, `runOnStop` and `cron` says when.
 *
 * @example
 * const backup: Script = { displayName: 'Backup', script: './backup.sh', cron: '0 0 3 * * *', timeout: 600 }
 */
export interface Script {
  readonly displayName: string
  readonly script: string
  readonly icon?: string
  /** Relative to the agent's log folder. */
  readonly logPath?: string
  /** Six fields, seconds first. */
  readonly cron?: string
  readonly runOnStart?: boolean
  readonly runOnStop?: boolean
  /** Keeps people out until the script is done; needs `runOnStart`. Default false. */
  readonly startBlocksLogin?: boolean
  /** Seconds; without it there is no limit. */
  readonly timeout?: number
}

/**
 * A value that the agent measures again and again.
 *
 * @example
 * const load: AgentMetadata = { key: 'load', displayName: 'Load', script: 'cat /proc/loadavg', interval: 10 }
 */
export interface AgentMetadata {
  /** Unique within the agent. */
  readonly key: string
  readonly displayName?: string
  /** Shell script whose output is the value. */
  readonly script: string
  /** Seconds between two runs. */
  readonly interval: number
  /** Seconds that a run may take. Default: the interval. */
  readonly timeout?: number
  readonly order?: number
}

/** What every app may say. */
interface CommonApp {
  /** Lower-case letters, digits and single hyphens; unique within the template. */
  readonly slug: string
  /** Default: the slug. */
  readonly displayName?: string
  readonly icon?: string
  readonly group?: string
  readonly order?: number
  readonly hidden?: boolean
  readonly openIn?: 'slim-window' | 'tab'
  readonly tooltip?: string
}

/** An app that listens on a port inside the workspace. */
export interface WebApp extends CommonApp {
  /** Such as `http://localhost:8080`. */
  readonly url: string
  readonly external?: false
  /** Served under its own host name rather than a path. Default false. */
  readonly subdomain?: boolean
  /** Who may open it. Default `owner`. */
  readonly share?: 'owner' | 'authenticated' | 'organization' | 'public'
  readonly healthcheck?: { readonly url: string; readonly interval: number; readonly threshold: number }
}

/** A link to somewhere outside the workspace. */
export interface ExternalApp extends CommonApp {
  readonly url: string
  readonly external: true
}

/** A command that opens in a terminal. */
export interface CommandApp extends CommonApp {
  readonly command: string
  readonly share?: 'owner' | 'authenticated' | 'organization' | 'public'
}

/**
 * A button of an agent: a web app, a link, or a command.
 *
 * @example
 * const app: App = { slug: 'docs', displayName: 'Docs', url: 'http://localhost:4000', subdomain: true }
 */
export type App = WebApp | ExternalApp | CommandApp
