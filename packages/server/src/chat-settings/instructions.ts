import type {
  ChatPlanModeInstructions,
  ChatSystemPrompt,
  UpdateChatSystemPromptRequest,
} from '@slipway/contract'
import type { AuditDraft } from '../audit/index.ts'
import { type Actor, isAllowed } from '../authz/index.ts'
import { notFound } from '../errors/index.ts'
import type { ChatSettings } from './chat-settings.ts'
import { DEFAULT_SYSTEM_PROMPT } from './default-system-prompt.ts'
import { includesDefaultPrompt } from './prompts.ts'
import { sanitizedPrompt } from './sanitize-prompt.ts'
import { holdSettings, storeSettings } from './store/settings.ts'
import { type DeploymentSettings, readSettings, SETTING } from './stored-settings.ts'

/** Ids of the entries of both in the audit log (RB-95). */
export const SYSTEM_PROMPT_ID = 'c1a715c0-0000-0000-0000-000000000001'
export const PLAN_MODE_ID = 'c1a715c0-0000-0000-0000-000000000002'

type Draft = AuditDraft<'chat_instruction_settings'>

/** Lets only those see instructions who may change them (CH-5.1). @throws ApiError 404. */
function requireEditor(actor: Actor): void {
  if (!isAllowed(actor, 'update', { type: 'deployment_config' })) throw notFound()
}

/** @throws ApiError 404 for all who may not change it. */
export async function getSystemPrompt(settings: ChatSettings, actor: Actor): Promise<ChatSystemPrompt> {
  requireEditor(actor)
  const deployment = await settings.deployment()
  return {
    system_prompt: deployment.systemPrompt,
    include_default_system_prompt: includesDefaultPrompt(deployment),
    default_system_prompt: DEFAULT_SYSTEM_PROMPT,
  }
}

/** @throws ApiError 404 for all who may not change them. */
export async function getPlanModeInstructions(
  settings: ChatSettings,
  actor: Actor,
): Promise<ChatPlanModeInstructions> {
  requireEditor(actor)
  return { plan_mode_instructions: (await settings.deployment()).planModeInstructions }
}

/** Changes what new chats begin with; what changes nothing leaves no entry (CH-501). @throws ApiError 403, 400. */
export async function putSystemPrompt(
  settings: ChatSettings,
  actor: Actor,
  given: UpdateChatSystemPromptRequest,
  draft: Draft,
): Promise<void> {
  const systemPrompt = sanitizedPrompt(given.system_prompt, 'system_prompt')
  const include = given.include_default_system_prompt
  await change(settings, actor, SYSTEM_PROMPT_ID, draft, {
    group: SETTING.systemPrompt,
    values: {
      [SETTING.systemPrompt]: systemPrompt === '' ? undefined : systemPrompt,
      ...(include === undefined ? {} : { [SETTING.includeDefaultSystemPrompt]: String(include) }),
    },
  })
}

/** Changes what models are told in plan mode; as {@link putSystemPrompt}. @throws ApiError 403, 400. */
export async function putPlanModeInstructions(
  settings: ChatSettings,
  actor: Actor,
  given: ChatPlanModeInstructions,
  draft: Draft,
): Promise<void> {
  const instructions = sanitizedPrompt(given.plan_mode_instructions, 'plan_mode_instructions')
  await change(settings, actor, PLAN_MODE_ID, draft, {
    group: SETTING.planModeInstructions,
    values: { [SETTING.planModeInstructions]: instructions === '' ? undefined : instructions },
  })
}

async function change(
  settings: ChatSettings,
  actor: Actor,
  id: string,
  draft: Draft,
  to: { readonly group: string; readonly values: Readonly<Record<string, string | undefined>> },
): Promise<void> {
  await settings.context.database.transaction(async (tx) => {
    const stored = await holdSettings(actor, tx, to.group)
    if (Object.entries(to.values).every(([key, value]) => stored.get(key) === value)) {
      delete draft.resourceId
      return
    }
    await storeSettings(actor, tx, to.values)
    draft.before = auditable(id, readSettings(stored))
    draft.after = auditable(id, readSettings(new Map(withChanges(stored, to.values))))
  })
  settings.forget()
}

function withChanges(
  stored: ReadonlyMap<string, string>,
  values: Readonly<Record<string, string | undefined>>,
): [string, string][] {
  const after = new Map(stored)
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) after.delete(key)
    else after.set(key, value)
  }
  return [...after]
}

/** The settings of one entry; those of the other are left empty. */
function auditable(id: string, deployment: DeploymentSettings): NonNullable<Draft['after']> {
  const isPrompt = id === SYSTEM_PROMPT_ID
  return {
    id,
    name: '',
    system_prompt: isPrompt ? deployment.systemPrompt : '',
    include_default_system_prompt: isPrompt && includesDefaultPrompt(deployment),
    include_default_system_prompt_set: isPrompt && deployment.includeDefaultSystemPrompt !== undefined,
    plan_mode_instructions: isPrompt ? '' : deployment.planModeInstructions,
  }
}
