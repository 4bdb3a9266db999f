import type { AIModelPriceUpsert } from '@slipway/contract'
import { badRequest, type Validation } from '../../errors/index.ts'
import type { NewPrice } from '../store/prices.ts'

const FIELDS = ['input_price', 'output_price', 'cache_read_price', 'cache_write_price'] as const
const MAX_MODEL = 256
/** A dollar for a token: no model costs more. */
const MAX_PRICE = 1_000_000_000_000
const MAX_PRICES = 10_000

const PROVIDERS: Readonly<Record<NewPrice['provider'], true>> = {
  openai: true,
  anthropic: true,
  azure: true,
  bedrock: true,
  google: true,
  openrouter: true,
  vercel: true,
  copilot: true,
}

/** Whether models of a type of provider have prices (AG-108). */
export function isPriceable(type: string): type is NewPrice['provider'] {
  return Object.hasOwn(PROVIDERS, type)
}

/** The name of a model without what a provider may take no notice of. */
export function plainName(model: string): string {
  return model.replace(/^\s+|\s+$|\p{C}/gu, '')
}

/**
 * By which name the price of a model that was asked for is known: whoever puts a space behind it gets it for no less.
 * Google's lists have `models/` before each name, and it takes both.
 */
export function pricedName(providerType: string, model: string): string {
  const name = plainName(model)
  return providerType === 'google' ? name.replace(/^models\//, '') : name
}

/** Prices that are given, all or none of them. @throws ApiError 400 naming every field that breaks a rule (AG-109). */
export function readPrices(given: readonly AIModelPriceUpsert[]): NewPrice[] {
  const faults: Validation[] = []
  const seen = new Set<string>()
  const prices: NewPrice[] = []
  if (given.length === 0) faults.push({ field: 'prices', detail: 'must not be empty' })
  if (given.length > MAX_PRICES) faults.push({ field: 'prices', detail: `must be at most ${MAX_PRICES}` })
  for (const [index, price] of given.entries()) {
    const fault = (field: string, detail: string): void =>
      void faults.push({ field: `prices[${index}].${field}`, detail })
    const { provider = '' } = price
    const named = price.model ?? ''
    const model = pricedName(provider, named)
    if (!isPriceable(provider)) fault('provider', `must be one of ${Object.keys(PROVIDERS).join(', ')}`)
    if (model === '' || model.length > MAX_MODEL) fault('model', `must have 1 to ${MAX_MODEL} characters`)
    else if (named !== plainName(named))
      fault('model', 'must have no spaces around it, and no characters that do not show')
    const values = FIELDS.map((field) => {
      const value = price[field]
      if (value === undefined) fault(field, 'must be given; null is unknown')
      else if (value !== null && (!Number.isSafeInteger(value) || value < 0 || value > MAX_PRICE))
        fault(field, `must be a whole number from 0 to ${MAX_PRICE}, or null`)
      return value ?? null
    })
    if (FIELDS.every((field) => price[field] == null)) fault('input_price', 'at least one price must be set')
    const name = JSON.stringify([provider, model])
    if (seen.has(name)) fault('model', 'is given twice')
    seen.add(name)
    const [input_price = null, output_price = null, cache_read_price = null, cache_write_price = null] =
      values
    if (isPriceable(provider))
      prices.push({ provider, model, input_price, output_price, cache_read_price, cache_write_price })
  }
  if (faults.length > 0) throw badRequest('Invalid AI model prices.', { validations: faults.slice(0, 100) })
  return prices
}
