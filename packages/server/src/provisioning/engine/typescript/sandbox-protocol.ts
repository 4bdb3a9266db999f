import type { EvaluationContext, EvaluationInputs } from '@slipway/template/evaluate'

/** Which question a template is asked; the functions of `@slipway/template/evaluate`. */
export type SandboxCall =
  | { readonly name: 'declarations' }
  | { readonly name: 'tags'; readonly inputs: EvaluationInputs }
  | { readonly name: 'workspace'; readonly inputs: EvaluationInputs; readonly context: EvaluationContext }

/** One evaluation, as sent to the worker thread. */
export interface SandboxRequest {
  /** Text of the archive's source files by path. */
  readonly files: ReadonlyMap<string, string>
  readonly call: SandboxCall
  readonly limits: SandboxLimits
}

/** What one evaluation may use. */
export interface SandboxLimits {
  readonly memoryBytes: number
  readonly stackBytes: number
  readonly deadlineMs: number
  readonly resultBytes: number
}

/** Answer of the worker thread: the result as JSON, or why there is none. */
export type SandboxReply =
  | { readonly ok: true; readonly json: string }
  | { readonly ok: false; readonly message: string }

/** The module that a template exports its definition from. */
export const ENTRY = 'template.ts'
