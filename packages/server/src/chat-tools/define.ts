import { type Static, type TObject, Type } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'

import { ToolFault as AgentToolFault } from '@slipway/mcp-tools'
import { describeError, type Logger } from '@slipway/request-log'
import type { Json } from '../chats/index.ts'
import { ApiError } from '../errors/index.ts'
import { ToolFault } from './fault.ts'
import { storable } from './storable.ts'
import type { ChatTool, ToolCall, ToolOutcome } from './tool.ts'

interface Definition<Input extends TObject> extends Pick<ChatTool, 'serial' | 'exclusive' | 'stopsTurn'> {
  readonly name: string
  readonly description: string
  readonly input: Input
  /** @throws ToolFault and ApiError for what a model can do something about. */
  readonly run: (
    args: Static<Input>,
    call: ToolCall,
  ) => Promise<ToolOutcome | { readonly [member: string]: unknown }>
}

const MAX_FAULTS = 10
/** Each schema is compiled once, when it is first used. */
const COMPILED = new WeakMap<TObject, Validator>()

/** Makes a tool; its arguments are checked before it runs, and every failure becomes a result (CH-707, CH-1101). */
export function defineChatTool<Input extends TObject>(log: Logger, definition: Definition<Input>): ChatTool {
  const { input, run, ...shown } = definition
  return {
    ...shown,
    inputSchema: jsonSchemaOf(input),
    run: (args, call) =>
      guarded(log, definition.name, call, async () => {
        if (!accepts(input, args))
          return failed(`Invalid arguments for ${definition.name}: ${faultsOf(input, args).join('; ')}`)
        const outcome = await run(args, call)
        return isOutcome(outcome) ? outcome : { result: storable(outcome) }
      }),
  }
}

/** Makes a tool of which somebody else has written the schema, and checks the arguments against it. */
export function defineForeignTool(
  log: Logger,
  shown: Pick<ChatTool, 'name' | 'description' | 'inputSchema' | 'mcpServerConfigId'>,
  run: (args: Readonly<Record<string, unknown>>, call: ToolCall) => Promise<ToolOutcome>,
): ChatTool {
  return {
    ...shown,
    run: (args, call) =>
      guarded(log, shown.name, call, () =>
        run(typeof args === 'object' && args !== null && !Array.isArray(args) ? { ...args } : {}, call),
      ),
  }
}

/** Runs a tool so that what it throws becomes a result. @throws what aborted the signal of the call. */
async function guarded(
  log: Logger,
  name: string,
  call: ToolCall,
  work: () => Promise<ToolOutcome>,
): Promise<ToolOutcome> {
  try {
    return await work()
  } catch (error) {
    call.signal.throwIfAborted()
    return outcomeOf(log, name, error)
  }
}

function outcomeOf(log: Logger, name: string, error: unknown): ToolOutcome {
  if (error instanceof ToolFault)
    return {
      isError: true,
      result: storable({ error: error.message, code: error.code, next_action: error.nextAction }),
    }
  if (error instanceof AgentToolFault) return failed(error.message)
  if (error instanceof ApiError && error.status < 500) {
    const fields = error.validations.map(({ field, detail }) => `${field}: ${detail}`)
    return failed([error.message, error.detail, ...fields].filter(Boolean).join(' '))
  }
  log.warn('a tool of a chat failed', { tool: name, error: describeError(error) })
  return failed('The tool failed because of a fault in the server. It may work when it is tried again.')
}

/** An error that a model reads. */
export function failed(error: string, more: Readonly<Record<string, unknown>> = {}): ToolOutcome {
  return { isError: true, result: storable({ error, ...more }) }
}

function accepts<Input extends TObject>(schema: Input, args: unknown): args is Static<Input> {
  return validatorOf(schema).Check(args)
}

function faultsOf(schema: TObject, args: Json): string[] {
  return validatorOf(schema)
    .Errors(args)
    .slice(0, MAX_FAULTS)
    .map(({ instancePath, message }) => `${instancePath.slice(1).replaceAll('/', '.')} ${message}`.trim())
}

function validatorOf(schema: TObject): Validator {
  const known = COMPILED.get(schema)
  if (known !== undefined) return known
  const made = Compile(Type.Unsafe(schema))
  COMPILED.set(schema, made)
  return made
}

function jsonSchemaOf(schema: TObject): object {
  // TypeBox keeps type information in hidden members.
  const json: { required?: unknown } = JSON.parse(JSON.stringify(schema))
  json.required ??= []
  return json
}

function isOutcome(value: object): value is ToolOutcome {
  return (
    'result' in value &&
    Object.keys(value).every((name) => ['result', 'isError', 'isMedia', 'files'].includes(name))
  )
}
