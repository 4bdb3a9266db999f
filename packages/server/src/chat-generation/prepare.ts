import { ReasoningEffort } from '@slipway/contract'
import { inlineImageLimit, readFileForModel } from '../chat-files/index.ts'
import { compactionThreshold, modelForRun, type RunModel, userPrompt } from '../chat-settings/index.ts'
import type { ChatTool } from '../chat-tools/index.ts'
import type { ChatRow } from '../chats/index.ts'
import { modelFor } from './call-model.ts'
import { CHATD } from './chatd.ts'
import type { History } from './history.ts'
import { isJsonObject } from './model/json.ts'
import { type CallOptions, type LanguageModel, transportOf } from './model/language-model.ts'
import { type Surroundings, systemTexts } from './prompt/assemble.ts'
import { type Converted, convert } from './prompt/convert.ts'
import type { Run } from './run.ts'

/** What a pass knows before it decides what to do. */
export interface Prepared {
  readonly history: History
  readonly model: RunModel
  readonly tools: ReadonlyMap<string, ChatTool>
  readonly isDynamic: (toolName: string) => boolean
  readonly threshold: number
  /** What a call of the model needs, read beside the rest where one is likely. */
  readonly ahead: Ahead | undefined
}

/** What a call of the model needs beside the conversation. */
interface Ahead {
  readonly surroundings: Promise<Surroundings>
  readonly language: Promise<LanguageModel>
}

/**
 * Reads what the next step depends on.
 *
 * @throws ModelUnavailable when there is no model; Error when the database cannot be asked.
 */
export async function prepare(run: Run, row: ChatRow): Promise<Prepared> {
  const { settings, context } = run.parts
  const { db } = context.database
  const chosen = modelForRun(settings, {
    ownerId: row.owner_id,
    modelConfigId: row.last_model_config_id,
    reasoningEffort: effortOf(row),
  })
  const ahead = run.callsTools ? undefined : readAhead(run, row, chosen)
  const [history, model, open, threshold] = await Promise.all([
    run.history(row),
    chosen,
    run.tools(row),
    chosen.then(({ config }) => compactionThreshold(CHATD, db, row.owner_id, config)),
  ])
  const tools = new Map(open.tools.map((tool) => [tool.name, tool]))
  const dynamic = new Set(dynamicToolsOf(row).map((tool) => tool.name))
  // Built-in names win over those of the client (CH-1501).
  return {
    history,
    model,
    tools,
    threshold,
    isDynamic: (name) => dynamic.has(name) && !tools.has(name),
    ahead,
  }
}

function readAhead(run: Run, row: ChatRow, model: Promise<RunModel>): Ahead {
  const ahead = {
    surroundings: surroundingsOf(run, row),
    language: model.then((known) => modelFor(run.parts, row, known)),
  }
  // Whoever needs them hears of a failure; perhaps nobody does.
  ahead.surroundings.catch(() => undefined)
  ahead.language.catch(() => undefined)
  return ahead
}

async function surroundingsOf(run: Run, row: ChatRow): Promise<Surroundings> {
  const { settings, context, workspaceContext } = run.parts
  const [workspace, own, deployment] = await Promise.all([
    workspaceContext(row),
    userPrompt(CHATD, context.database.db, row.owner_id),
    settings.deployment(),
  ])
  return { workspace, userPrompt: own, planInstructions: deployment.planModeInstructions }
}

/** The model of a pass, ready to be called. */
export function languageFor(run: Run, row: ChatRow, { ahead, model }: Prepared): Promise<LanguageModel> {
  const isWished = run.isRetryWished(row)
  return (isWished ? undefined : ahead?.language) ?? modelFor(run.parts, row, model, { isWished })
}

/** The effort that is stored with a chat. */
export function effortOf(row: Pick<ChatRow, 'last_reasoning_effort'>): RunModel['effort'] {
  return ReasoningEffort.enum.find((effort) => effort === row.last_reasoning_effort)
}

/** What a model is told: everything in front, the conversation, and what could not be told. */
export async function promptFor(run: Run, row: ChatRow, prepared: Prepared): Promise<Converted> {
  const { history, model, ahead } = prepared
  const { settings, context } = run.parts
  const { db } = context.database
  const [surroundings, known] = await Promise.all([
    ahead?.surroundings ?? surroundingsOf(run, row),
    settings.known(),
  ])
  const system = systemTexts(row, history, surroundings)
  return convert(system, history, {
    transport: transportOf(model.provider, model.config),
    modelConfigId: model.config.id,
    providerOf: (id) => known.configs.get(id)?.providerId,
    imageLimit: inlineImageLimit(model.provider.type),
    loadFile: async (id) => {
      const file = await readFileForModel(CHATD, db, id)
      return file === undefined
        ? undefined
        : { name: file.info.name, mediaType: file.info.mimetype, data: file.data }
    },
  })
}

/** The tools as a model is told them, in an order that is always the same. */
export function toolsFor(
  row: ChatRow,
  { tools }: Pick<Prepared, 'tools'>,
): NonNullable<CallOptions['tools']> {
  const own = [...tools.values()]
    .filter(({ isRetired }) => isRetired !== true)
    .map(({ name, description, inputSchema }) => ({
      type: 'function' as const,
      name,
      description,
      inputSchema: schemaOf(inputSchema),
    }))
  const dynamic = dynamicToolsOf(row)
    .filter(({ name }) => !tools.has(name))
    .map(({ name, description, schema }) => ({
      type: 'function' as const,
      name,
      ...(description === undefined ? {} : { description }),
      inputSchema: schemaOf(schema),
    }))
  return [...own, ...dynamic].sort((a, b) => (a.name < b.name ? -1 : 1))
}

interface DynamicTool {
  readonly name: string
  readonly description: string | undefined
  readonly schema: unknown
}

/** The tools that the client of a chat carries out, as far as they can be told (CH-1501). */
function dynamicToolsOf(row: Pick<ChatRow, 'dynamic_tools'>): readonly DynamicTool[] {
  if (!Array.isArray(row.dynamic_tools)) return []
  return row.dynamic_tools.flatMap((tool: unknown): DynamicTool[] => {
    const read = (name: string): unknown =>
      typeof tool === 'object' && tool !== null ? Reflect.get(tool, name) : undefined
    const name = read('name')
    const description = read('description')
    return typeof name === 'string' && name !== ''
      ? [
          {
            name,
            description: typeof description === 'string' ? description : undefined,
            schema: read('input_schema'),
          },
        ]
      : []
  })
}

type Schema = Extract<NonNullable<CallOptions['tools']>[number], { readonly type: 'function' }>['inputSchema']

/** A schema of arguments; providers want an object. */
function schemaOf(schema: unknown): Schema {
  if (!isJsonObject(schema)) return { type: 'object', properties: {} }
  // JSON Schema is JSON; what is wrong with it, the provider says.
  const given: object = schema
  return 'type' in given ? given : { type: 'object', ...given }
}
