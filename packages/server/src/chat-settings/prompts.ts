import type { Actor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import type { ChatSettings } from './chat-settings.ts'
import { DEFAULT_SYSTEM_PROMPT } from './default-system-prompt.ts'
import type { ModelConfig } from './model-config.ts'
import { findUserSetting } from './store/user-settings.ts'
import { type DeploymentSettings, readThreshold, thresholdKey, USER_PROMPT } from './stored-settings.ts'

/** Whether new chats begin with the prompt that is built in: as it was set, else while there is no other (CH-5.1). */
export function includesDefaultPrompt(deployment: DeploymentSettings): boolean {
  return deployment.includeDefaultSystemPrompt ?? deployment.systemPrompt === ''
}

/** What the deployment tells models at the beginning of a new chat; empty for nothing (CH-701). */
export async function deploymentPrompt(settings: ChatSettings): Promise<string> {
  const deployment = await settings.deployment()
  const parts = [includesDefaultPrompt(deployment) ? DEFAULT_SYSTEM_PROMPT : '', deployment.systemPrompt]
  return parts.filter((part) => part !== '').join('\n\n')
}

/** What a user tells models in all of their chats; empty for nothing (CH-702). @throws ApiError 404. */
export async function userPrompt(actor: Actor, db: Db, userId: string): Promise<string> {
  return (await findUserSetting(actor, db, userId, USER_PROMPT)) ?? ''
}

/** Percent of the context at which chats of this user with this model are compacted; 100 is never (CH-801). */
export async function compactionThreshold(
  actor: Actor,
  db: Db,
  userId: string,
  config: Pick<ModelConfig, 'id' | 'compressionThreshold'>,
): Promise<number> {
  const own = readThreshold(await findUserSetting(actor, db, userId, thresholdKey(config.id)))
  return own ?? config.compressionThreshold
}
