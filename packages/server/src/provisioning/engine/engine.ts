import type {
  AiTask,
  ExternalAuthNeed,
  NamedValue,
  Preset,
  ResolvedParameter,
  Resource,
  TemplateVariable,
} from './description.ts'

/** What a build does to a workspace; `destroy` is the transition `delete` (PR-71). */
export type Transition = 'start' | 'stop' | 'destroy'

/**
 * One kind of provisioner: turns a template archive into resources. Stateless; everything that belongs to
 * one job lives in the session that {@link Engine.open} returns.
 *
 * @example
 * await using session = await engine.open({ archive, state, workDirectory, log, signal })
 * const plan = await session.plan({ transition: 'start', ...inputs })
 * const { state, resources } = await session.apply(plan)
 */
export interface Engine {
  /** Unpacks the archive into a work directory of its own (PR-64, PR-65); throws {@link EngineError}. */
  open(options: OpenOptions): Promise<EngineSession>
  /**
   * Whether a workspace of this state ran on this machine and does not any more, although nobody has stopped it (L-16).
   * False where only others can tell.
   */
  isGone(workspaceId: string, state: Uint8Array): Promise<boolean>
}

/** What a session starts from. */
export interface OpenOptions {
  /** The template as a tar file. */
  readonly archive: Uint8Array
  /** State that the last apply returned; empty for a new workspace and for imports. */
  readonly state: Uint8Array
  /** Folder in which the session makes its own `Session<uuid>` folder (PR-64). */
  readonly workDirectory: string
  /** Takes every log line at once and in order; must not block or throw. */
  readonly log: LogSink
  /** Lines below this level are dropped (PR-62); default: all are kept. */
  readonly logLevel?: LogLevel
  /** Cancels whatever the session does (PR-74): the call under way rejects with an {@link EngineError}. */
  readonly signal: AbortSignal
}

/**
 * A template unpacked for one job. Calls are made one after the other (PR-61). Disposing removes the work
 * directory; it never undoes what was applied.
 */
export interface EngineSession extends AsyncDisposable {
  /** Imports: checks the template and reads what is known without inputs. */
  parse(): Promise<ParsedTemplate>
  /**
   * Parameters, presets and tags for these inputs, without planning: answers forms (WS-122, WS-124) and
   * finds the tags of a job before it is queued (PR-28, WS-101). Wrong values are diagnostics, not errors.
   */
  preview(inputs: PreviewInputs): Promise<Preview>
  /** What {@link apply} would do. Rejects when a variable or parameter is missing or a value is refused. */
  plan(request: PlanRequest): Promise<Plan>
  /**
   * Carries out the last plan of this session. On failure the {@link EngineError} carries the state that
   * was reached, which must be stored.
   */
  apply(plan: Plan): Promise<Applied>
}

/** Levels of job logs (PR-43). */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** One line of a job log as the engine writes it; source `provisioner` (PR-43). */
export interface EngineLog {
  readonly level: LogLevel
  /** One of the stages that clients group by (§8.3), such as `Planning Infrastructure`. */
  readonly stage: string
  readonly output: string
  readonly createdAt: Date
}

/** Receiver of log lines. */
export type LogSink = (line: EngineLog) => void

/** A span for the build timeline (PR-47, PR-75). */
export interface Timing {
  readonly stage: 'init' | 'plan' | 'graph' | 'apply'
  readonly source: string
  readonly action: string
  readonly resource: string
  readonly start: Date
  readonly end: Date
}

/** Result of an import's first look. */
export interface ParsedTemplate {
  readonly variables: readonly TemplateVariable[]
  /** Tags with the default of every parameter and variable. */
  readonly workspaceTags: readonly NamedValue[]
  /** `README.md` of the archive's root; empty without one. */
  readonly readme: string
}

/** Who the workspace belongs to. Secrets are empty where the template gets none (PR-B13). */
export interface PlanOwner {
  readonly id: string
  readonly name: string
  readonly fullName: string
  readonly email: string
  readonly loginType: string
  readonly groups: readonly string[]
  readonly roles: readonly { readonly name: string; readonly organizationId: string }[]
  readonly sshPublicKey: string
  readonly sshPrivateKey: string
  readonly sessionToken: string
  readonly oidcAccessToken: string
}

/** The workspace that is built. An import uses placeholders. */
export interface PlanWorkspace {
  readonly id: string
  readonly name: string
  readonly buildId: string
  readonly templateId: string
  readonly templateName: string
  readonly templateVersion: string
  /** URL under which agents reach the control plane. */
  readonly accessUrl: string
  readonly isPrebuild: boolean
  readonly isPrebuildClaim: boolean
}

/** Inputs of {@link EngineSession.preview}. */
export interface PreviewInputs {
  readonly parameters: readonly NamedValue[]
  readonly previousParameters: readonly NamedValue[]
  /** Values given by the user; the engine knows the defaults. */
  readonly variables: readonly NamedValue[]
}

/** Answer of {@link EngineSession.preview}. */
export interface Preview {
  readonly parameters: readonly ResolvedParameter[]
  readonly presets: readonly Preset[]
  readonly workspaceTags: readonly NamedValue[]
  /** Tags that no provisioner could carry, and why (WS-101, PR-80). */
  readonly tagFaults: readonly { readonly name: string; readonly detail: string }[]
}

/** Inputs of a plan. */
export interface PlanRequest extends PreviewInputs {
  /**
   * `import`: parameters without a value are allowed, so that a template can be imported before anybody
   * has chosen them. `build`: they fail with `MISSING_TEMPLATE_PARAMETER`.
   */
  readonly purpose: 'import' | 'build'
  readonly transition: Transition
  readonly owner: PlanOwner
  readonly workspace: PlanWorkspace
  readonly externalAuth: readonly { readonly id: string; readonly accessToken: string }[]
  /** Null unless the workspace is a task. */
  readonly task: { readonly id: string; readonly prompt: string } | null
  /** Tokens of the running agents at a prebuild claim (PR-96); otherwise empty. */
  readonly runningAgentTokens: readonly { readonly agentId: string; readonly token: string }[]
}

/** What will be there after an apply. */
export interface Plan {
  readonly transition: Transition
  readonly parameters: readonly ResolvedParameter[]
  readonly presets: readonly Preset[]
  readonly resources: readonly Resource[]
  readonly externalAuth: readonly ExternalAuthNeed[]
  readonly aiTasks: readonly AiTask[]
  readonly hasExternalAgent: boolean
  /** Sum over all resources (PR-90); decides the quota before the apply. */
  readonly dailyCost: number
  readonly timings: readonly Timing[]
  /** The plan as the engine understands it; an import stores it (WS-102). */
  readonly planFile: Uint8Array
}

/** Result of an apply. */
export interface Applied {
  /** To be stored, and given to the session of the next build. Empty when nothing is left. */
  readonly state: Uint8Array
  readonly resources: readonly Resource[]
  readonly aiTasks: readonly AiTask[]
  readonly timings: readonly Timing[]
}

/** Codes that clients react to (PR-59). */
export type EngineErrorCode =
  | 'REQUIRED_TEMPLATE_VARIABLES'
  | 'MISSING_TEMPLATE_PARAMETER'
  | 'INSUFFICIENT_QUOTA'

/** Why a session could not do what was asked; the message is shown to the user as the job's error. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  readonly code: EngineErrorCode | undefined
  /** State after a partial apply; undefined when nothing was applied and the stored state stays right. */
  readonly state: Uint8Array | undefined
  /** Spans up to the failure (PR-B6). */
  readonly timings: readonly Timing[]

  constructor(message: string, options: EngineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = options.code
    this.state = options.state
    this.timings = options.timings ?? []
  }
}

/** What may accompany an {@link EngineError}. */
export interface EngineErrorOptions {
  readonly code?: EngineErrorCode
  readonly state?: Uint8Array
  readonly timings?: readonly Timing[]
  readonly cause?: unknown
}
