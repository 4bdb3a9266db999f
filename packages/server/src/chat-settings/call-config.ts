import { Check } from 'typebox/value'

import { ChatModelCallConfig } from '@slipway/contract'
import { type Validation, validationFailed } from '../errors/index.ts'
import { effortRank } from './reasoning-effort.ts'

/** Blocks of options that providers take; Azure reads that of `openai`, Bedrock that of `anthropic` (CH-504). */
const PROVIDER_BLOCKS: ReadonlySet<string> = new Set([
  'openai',
  'anthropic',
  'google',
  'openaicompat',
  'openrouter',
  'vercel',
])
const MAX_BYTES = 65_536

/** Options of calls as a request gives them. @throws ApiError 400 naming what is wrong. */
export function checkCallConfig(call: ChatModelCallConfig): void {
  const faults: Validation[] = []
  const range = call.reasoning_effort
  if (range !== undefined && effortRank(range.default) > effortRank(range.max))
    faults.push({ field: 'model_config.reasoning_effort.default', detail: 'must not be greater than max' })
  for (const name of Object.keys(call.provider_options ?? {}))
    if (!PROVIDER_BLOCKS.has(name))
      faults.push({
        field: 'model_config.provider_options',
        detail: `has no block ${JSON.stringify(name.slice(0, 64))}: use ${[...PROVIDER_BLOCKS].join(', ')}`,
      })
  if (Buffer.byteLength(JSON.stringify(call)) > MAX_BYTES)
    faults.push({ field: 'model_config', detail: `must have at most ${MAX_BYTES} bytes` })
  if (faults.length > 0) throw validationFailed(faults)
}

/** Options as they are stored; members that no version of today knows, such as former prices, are left out (CH-504). */
export function readCallConfig(stored: unknown): ChatModelCallConfig {
  if (typeof stored !== 'object' || stored === null) return {}
  const known = Object.entries(ChatModelCallConfig.properties).flatMap(([name, schema]) => {
    const value: unknown = Reflect.get(stored, name)
    return value !== undefined && Check(schema, value) ? [[name, value]] : []
  })
  const call: unknown = Object.fromEntries(known)
  return Check(ChatModelCallConfig, call) ? call : {}
}
