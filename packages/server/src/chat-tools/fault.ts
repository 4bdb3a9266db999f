/** What a tool could not do and why, as models and programs tell them apart. */
export type FaultCode =
  | 'no_workspace'
  | 'workspace_gone'
  | 'workspace_forbidden'
  | 'workspace_dormant'
  | 'workspace_starting'
  | 'workspace_stopped'
  | 'workspace_failed'
  | 'no_agent'
  | 'ambiguous_agent'
  | 'agent_connecting'
  | 'agent_lost'
  | 'process_lost'
  | 'owner_inactive'
  | 'refused'

/**
 * A failure that a model can do something about. It names exactly one thing to do next (L-44): a model that is told of
 * several, or of none, repeats what has failed.
 */
export class ToolFault extends Error {
  override readonly name = 'ToolFault'
  readonly code: FaultCode
  /** One sentence, mostly naming the tool to call. */
  readonly nextAction: string

  constructor(code: FaultCode, message: string, nextAction: string) {
    super(message)
    this.code = code
    this.nextAction = nextAction
  }
}
