import { describeError } from '@slipway/request-log'
import { modelForRun, overrideModel, type RunModel } from '../chat-settings/index.ts'
import { modelCalled, textOfModel } from './call-model.ts'
import type { GenerationParts } from './parts.ts'
import { MAX_CONTEXT, tidyTitle, titleCall } from './titles.ts'

/** For a title to come, in milliseconds: whoever makes a task waits for it. */
const LIMIT_MS = 5_000

/**
 * A title for what a task is to do, of the model that names chats, else of the one that new chats have (WS-254); undefined
 * where there is none, or none gives a title in time.
 */
export async function titleForTask(
  parts: GenerationParts,
  { ownerId, prompt }: { readonly ownerId: string; readonly prompt: string },
): Promise<string | undefined> {
  const { config, log } = parts.context
  if (!parts.timings.asides || !config.aiGatewayEnabled) return undefined
  const chosen = await titleModel(parts, ownerId)
  if (chosen === undefined) return undefined
  try {
    const model = await modelCalled(parts, chosen, { ownerId })
    const call = titleCall(prompt.slice(0, MAX_CONTEXT), AbortSignal.timeout(LIMIT_MS))
    const { text } = await textOfModel(model, chosen, call)
    return tidyTitle(text) || undefined
  } catch (error) {
    log.info('no model could name a task, so its first words do', {
      model: chosen.config.model,
      error: describeError(error),
    })
    return undefined
  }
}

/** Undefined where the user can ask none. */
async function titleModel({ settings }: GenerationParts, ownerId: string): Promise<RunModel | undefined> {
  const override = await overrideModel(settings, 'title_generation', ownerId)
  if (override.kind === 'model') return override.model
  if (override.kind !== 'unset') return undefined
  const { configs } = await settings.known()
  const usual = [...configs.values()].find(({ isDefault, enabled }) => isDefault && enabled)
  if (usual === undefined) return undefined
  const provider = settings.providerOf(usual)
  if (provider === undefined || !(await settings.hasCredentials(ownerId, provider))) return undefined
  return modelForRun(settings, { ownerId, modelConfigId: usual.id })
}
