import type { AIExportFormat, AIGatewaySettings, UpdateAIGatewaySettingsRequest } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest, type Validation } from '../errors/index.ts'
import { LinearRegExp, RegExpSyntaxError } from '../linear-regexp/index.ts'
import { readStoredSettings, type StoredSettings } from './gateway-settings.ts'
import { type SecretColumn, sealSecret } from './sealed.ts'
import { holdSettings, type SettingsRow, storeSettings } from './store/settings.ts'

/** Settings as the API shows them. */
export function presentSettings(
  { config }: Pick<AppContext, 'config'>,
  row: SettingsRow | undefined,
): AIGatewaySettings {
  const stored = readStoredSettings(row?.settings, config)
  return {
    ...stored,
    guardrails: {
      ...stored.guardrails,
      webhook_secret_set: row !== undefined && row.guardrail_webhook_secret !== null,
    },
    export_webhook_secret_set: row !== undefined && row.export_webhook_secret !== null,
    updated_at: row?.updated_at.toISOString() ?? null,
  }
}

/** Settings before and after a change. */
export interface SettingsChanged {
  readonly before: AIGatewaySettings
  readonly after: AIGatewaySettings
}

/**
 * Changes settings of the gateway; what is left out stays, and a secret that is empty goes.
 *
 * @throws ApiError 403, 400 naming every field that cannot be used.
 */
export async function updateSettings(
  context: AppContext,
  actor: Actor,
  given: UpdateAIGatewaySettingsRequest,
): Promise<SettingsChanged> {
  const { guardrails: givenGuardrails = {}, export_webhook_secret, ...plain } = given
  const { webhook_secret, ...guardrails } = givenGuardrails
  return context.database.transaction(async (tx) => {
    const row = await holdSettings(actor, tx)
    const before = readStoredSettings(row?.settings, context.config)
    requireUsable(given, given.export_format ?? before.export_format)
    const stored: StoredSettings = {
      ...before,
      ...plain,
      guardrails: { ...before.guardrails, ...guardrails },
    }
    const after = await storeSettings(actor, tx, {
      settings: JSON.stringify(stored),
      ...secretChange(context, 'guardrail_webhook_secret', webhook_secret),
      ...secretChange(context, 'export_webhook_secret', export_webhook_secret),
    })
    return { before: presentSettings(context, row), after: presentSettings(context, after) }
  })
}

function secretChange(
  context: AppContext,
  column: SecretColumn,
  secret: string | undefined,
): { readonly [column in SecretColumn]?: Buffer | null } {
  if (secret === undefined) return {}
  return { [column]: secret === '' ? null : sealSecret(context, column, secret) }
}

function requireUsable(
  { guardrails = {}, export_webhook_url, export_webhook_secret = '' }: UpdateAIGatewaySettingsRequest,
  format: AIExportFormat,
): void {
  const faults: Validation[] = []
  if (format === 's3' && export_webhook_secret !== '' && !/^[^:]+:./.test(export_webhook_secret))
    faults.push({
      field: 'export_webhook_secret',
      detail: 'must be an access key, a colon and its secret, where the export goes to a bucket',
    })
  for (const [field, address] of [
    ['guardrails.webhook_url', guardrails.webhook_url],
    ['export_webhook_url', export_webhook_url],
  ] as const) {
    const detail = address === undefined || address === '' ? undefined : faultOfAddress(address)
    if (detail !== undefined) faults.push({ field, detail })
  }
  for (const [index, pattern] of (guardrails.patterns ?? []).entries()) {
    const detail = faultOfPattern(pattern)
    if (detail !== undefined) faults.push({ field: `guardrails.patterns[${index}]`, detail })
  }
  if (faults.length > 0)
    throw badRequest('Invalid settings of the AI gateway.', {
      detail: faults.length === 1 ? faults[0]?.detail : undefined,
      validations: faults,
    })
}

/** Where it leads is looked at with each request (OA-108): names may come to mean other addresses. */
function faultOfAddress(address: string): string | undefined {
  const url = URL.parse(address)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    return 'must be an absolute http or https URL'
  if (url.username !== '' || url.password !== '') return 'must not hold credentials: set a secret'
  return url.hash === '' ? undefined : 'must not hold a fragment'
}

function faultOfPattern(pattern: string): string | undefined {
  try {
    new LinearRegExp(pattern)
    return undefined
  } catch (error) {
    if (error instanceof RegExpSyntaxError) return error.message
    throw error
  }
}
