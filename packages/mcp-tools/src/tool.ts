import { type Static, type TObject, type TSchema, Type } from 'typebox'

import type { Route } from '@slipway/contract'
import type { AgentAccess, Api } from './api.ts'
import { type StandardSchema, standardSchema } from './standard-schema.ts'

/** What a tool works with. */
export interface ToolContext {
  readonly api: Api
  readonly agents: AgentAccess
  /** URL of the dashboard without a slash at its end. */
  readonly accessUrl: string
  /** Aborted when the client cancels the call or is gone for good. */
  readonly signal: AbortSignal
  /** Tells the client how far a long call is, if it wants to know. */
  readonly progress: (message: string) => void
}

/** Why a tool did not do what it was asked for; the message is for the model that called it. */
export class ToolFault extends Error {
  override readonly name = 'ToolFault'
}

/** Hints about what a tool does (OA-91). */
export interface ToolAnnotations {
  readonly title: string
  readonly readOnlyHint: boolean
  readonly destructiveHint: boolean
  readonly idempotentHint: boolean
  readonly openWorldHint: boolean
}

/** A tool as clients see it, and what it does. */
export interface Tool {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly annotations: ToolAnnotations
  readonly inputSchema: StandardSchema
  readonly outputSchema: StandardSchema
  /** Scopes that every call needs; a token with less does not see the tool (OA-B6). */
  readonly scopes: readonly string[]
  /** Scopes that a call with these arguments needs. */
  readonly scopesOf: (args: unknown) => readonly string[]
  /** Whether it waits for builds or commands, so that its answer may take minutes. */
  readonly isLong: boolean
  /** @throws ToolFault, and what `Api` and `AgentAccess` throw. */
  readonly run: (args: unknown, context: ToolContext) => Promise<unknown>
  /** What it asks the API where it does nothing but hand on the answer, whatever its arguments. */
  readonly relays?: RelayedCall
}

/** A call of the API whose answer is that of a tool. */
export interface RelayedCall {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

/** What kind of change a tool makes: none, some, or one that loses something. */
export type Effect = 'reads' | 'changes' | 'destroys'

interface ToolDefinition<Input extends TObject, Output extends TSchema> extends Pick<Tool, 'relays'> {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly effect: Effect
  readonly input: Input
  /** What it returns; members that are not named may be there too. */
  readonly output: Output
  readonly scopes: readonly string[]
  readonly scopesOf?: (args: Static<Input>) => readonly string[]
  readonly isLong?: boolean
  readonly run: (args: Static<Input>, context: ToolContext) => Promise<Static<Output>>
}

/** Makes a tool; its arguments are checked before it runs. */
export function defineTool<Input extends TObject, Output extends TSchema>(
  definition: ToolDefinition<Input, Output>,
): Tool {
  const { name, title, description, effect, scopes, isLong = false, relays } = definition
  const input = standardSchema(definition.input)
  const checked = (args: unknown): Static<Input> => {
    if (input.accepts(args)) return args
    throw new ToolFault(`invalid arguments for ${name}: ${input.faultsOf(args).join('; ')}`)
  }
  const reads = effect === 'reads'
  return {
    name,
    title,
    description,
    annotations: {
      title,
      readOnlyHint: reads,
      destructiveHint: effect === 'destroys',
      idempotentHint: reads,
      openWorldHint: false,
    },
    inputSchema: input,
    outputSchema: standardSchema(definition.output),
    scopes,
    scopesOf: (args) =>
      definition.scopesOf !== undefined && input.accepts(args)
        ? [...scopes, ...definition.scopesOf(args)]
        : scopes,
    isLong,
    ...(relays === undefined ? {} : { relays }),
    run: async (args, context) => definition.run(checked(args), context),
  }
}

/** A UUID argument. */
export function uuid(description: string) {
  return Type.String({ format: 'uuid', description })
}
