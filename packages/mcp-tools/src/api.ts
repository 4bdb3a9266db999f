import type { BodyOf, QueryOf, ResponseOf, Route } from '@slipway/contract'

/** What a call takes: path parameters, query and body, as the route declares them. */
export interface ApiInput<R extends Route> {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Partial<QueryOf<R>>
  readonly body?: BodyOf<R>
  readonly signal?: AbortSignal
}

/**
 * The API of the control plane as one user sees it: over HTTP, or inside the server. Refusals are errors whose message
 * is for the user; where the API gave them, they also carry `status`, `detail` and `validations`.
 */
export interface Api {
  call<R extends Route>(route: R, input?: ApiInput<R>): Promise<ResponseOf<R>>
  /** Sends bytes of this content type. */
  upload<R extends Route>(
    route: R,
    bytes: Uint8Array<ArrayBuffer>,
    type: string,
    input?: Pick<ApiInput<R>, 'params' | 'query'>,
  ): Promise<ResponseOf<R>>
}

/** A command for a shell in a workspace. */
export interface ShellCommand {
  readonly command: string
  /** How long its output is waited for, in milliseconds. */
  readonly timeoutMs: number
  /** Whether it goes on when the time is over; else it is killed then. */
  readonly background: boolean
  readonly signal: AbortSignal
}

/** What a command has printed, stdout and stderr as they came. */
export interface ShellOutcome {
  readonly output: string
  /** Absent when the time was over before it ended. */
  readonly exitCode: number | undefined
}

/** One replacement in a file. */
export interface FileEdit {
  readonly search: string
  readonly replace: string
  /** Replaces every occurrence; else there must be exactly one. */
  readonly replace_all?: boolean
}

/** The edits of one file. */
export interface EditedFile {
  readonly path: string
  readonly edits: readonly FileEdit[]
}

/**
 * What happens inside workspaces, by the id of a connected agent. Everything needs the right to connect by SSH (OA-89):
 * without it the message of the error contains `unauthorized`. Paths are absolute.
 */
export interface AgentAccess {
  run(agentId: string, command: ShellCommand): Promise<ShellOutcome>
  list(agentId: string, path: string): Promise<readonly { readonly path: string; readonly is_dir: boolean }[]>
  /** At most `limit` bytes from `offset`. */
  read(
    agentId: string,
    path: string,
    part: { readonly offset: number; readonly limit: number },
  ): Promise<{ readonly bytes: Uint8Array; readonly mimeType: string }>
  /** Writes a whole file and makes the folders above it. */
  write(agentId: string, path: string, bytes: Uint8Array): Promise<void>
  /** Edits files: all of them, or none when a text that is searched for is missing or ambiguous. */
  edit(
    agentId: string,
    files: readonly EditedFile[],
  ): Promise<readonly { readonly path: string; readonly diff: string }[]>
}
