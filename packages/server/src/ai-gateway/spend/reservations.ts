import { describeError } from '@slipway/request-log'
import { systemActor } from '../../authz/index.ts'
import { measureAt } from '../exchange/admission.ts'
import type { ExchangeParts, ModelRequest } from '../exchange/exchange-parts.ts'
import { GatewayError } from '../exchange/gateway-error.ts'
import { pricedName } from '../prices/prices.ts'
import type { Target } from '../routing/target.ts'
import { deleteReservation, insertReservation } from '../store/reservations.ts'
import { at, bodyText, parseJson } from '../wires/json.ts'
import { budgetMessage } from './budget-message.ts'

const actor = systemActor('aibridged', 'what a request may cost is set aside whoever asks')

/** Longest that anything stays set aside: no request of a replica that has died keeps a budget from others for longer. */
const LASTS_MS = 3_600_000
/** What an answer may hold where the request does not say. */
const DEFAULT_OUTPUT = 32_768
/** No model takes more. */
const MAX_INPUT = 2_000_000
const MAX_OUTPUT = 1_000_000
/** Of answers that are asked for at once. */
const MAX_CHOICES = 128
/** Fewer than any tokenizer needs on average, so that what is set aside is enough. */
const BYTES_PER_TOKEN = 3

/** What is set aside for a request; given back when its tokens are charged or it has ended without any. */
export interface Reservation {
  /** Those of the targets that the budget allows. */
  readonly targets: readonly Target[]
  /** Gives back what is still set aside; called again it does nothing. Never throws. */
  release(): Promise<void>
}

function nothing(targets: readonly Target[]): Reservation {
  return { targets, release: () => Promise.resolve() }
}

/**
 * Sets aside what a request may cost at most where budgets must not be overshot by requests at the same time (AG-B14),
 * and refuses models whose price nobody knows where those are not for users with a budget (AG-B15). Deployments that
 * want neither, and users without a budget, are not asked about.
 *
 * @param targets at least one, in the order in which they are asked.
 * @throws GatewayError 403 when no budget is left for it or the model has no price, 500 when that cannot be found out.
 */
export async function reserve(
  parts: ExchangeParts,
  request: ModelRequest,
  targets: readonly Target[],
  interceptionId: string,
): Promise<Reservation> {
  const settings = parts.governance.settings()
  const setsAside = settings.budgetReservations && settings.budgetEnforced
  const { initiator } = request
  if (!setsAside && !settings.blockUnpricedModels) return nothing(targets)
  if (initiator.spend.limitMicros === undefined && initiator.furtherBudgets.length === 0)
    return nothing(targets)
  const { context } = parts
  const now = context.clock.now()
  const { policy, since, month } = measureAt(now, settings, request.apiKeyId)
  const outcome = await insertReservation(actor, context.database.db, {
    interceptionId,
    userId: request.initiatorId,
    apiKeyId: request.apiKeyId,
    policy,
    since,
    month,
    models: targets.map(({ provider: { type }, model }) => ({
      providerType: type,
      model: pricedName(type, model),
    })),
    ...largest(request.body),
    setsAside,
    refusesUnpriced: settings.blockUnpricedModels,
    now,
    expiresAt: new Date(now.getTime() + LASTS_MS),
  }).catch((error: unknown) => {
    context.log.error('what a request to a model may cost could not be set aside', {
      error: describeError(error),
    })
    throw new GatewayError(500, 'internal_error', 'internal server error checking user AI budget', {
      cause: error,
    })
  })
  const allowed = (unpriced: readonly number[]): readonly Target[] =>
    settings.blockUnpricedModels ? targets.filter((_, index) => !unpriced.includes(index)) : targets
  switch (outcome.kind) {
    case 'unlimited':
      return nothing(allowed(outcome.unpriced))
    case 'reserved': {
      let held = true
      return {
        targets: allowed(outcome.unpriced),
        release: async () => {
          if (!held) return
          held = false
          try {
            await deleteReservation(actor, context.database.db, {
              interceptionId,
              userId: request.initiatorId,
            })
          } catch (error) {
            context.log.warn('what was set aside for a request to a model stays so for an hour', {
              interception_id: interceptionId,
              error: describeError(error),
            })
          }
        },
      }
    }
    case 'unpriced':
      throw new GatewayError(
        403,
        'model_not_priced',
        `the price of model ${JSON.stringify(targets[0]?.model)} is not known, and your budget allows only models with one: ` +
          'ask an administrator to set it',
      )
    case 'exceeded':
      parts.metrics.refusedForBudget(initiator.spend.groupId)
      throw new GatewayError(
        403,
        'budget_exceeded',
        `${budgetMessage(outcome)} What is left is less than this request and those under way may cost.`,
      )
  }
}

/** The most tokens that a request may use, and as many as it asks for. */
function largest(body: Uint8Array): { readonly input: number; readonly output: number } {
  const request = parseJson(bodyText(body))
  // Providers differ in which of them they obey.
  const asked = [
    at(request, 'max_completion_tokens'),
    at(request, 'max_output_tokens'),
    at(request, 'max_tokens'),
    at(request, 'inferenceConfig', 'maxTokens'),
    at(request, 'generationConfig', 'maxOutputTokens'),
  ].filter(isCount)
  const choices = [at(request, 'n'), at(request, 'generationConfig', 'candidateCount')].filter(isCount)
  return {
    input: Math.min(Math.ceil(body.length / BYTES_PER_TOKEN), MAX_INPUT),
    output:
      Math.min(asked.length === 0 ? DEFAULT_OUTPUT : Math.max(...asked), MAX_OUTPUT) *
      Math.min(Math.max(1, ...choices), MAX_CHOICES),
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}
