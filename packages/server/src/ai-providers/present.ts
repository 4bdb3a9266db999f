import type { AIProvider, AIProviderTrouble } from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { openProvider } from './provider.ts'
import { openSettings } from './sealed.ts'
import { presentSettings } from './settings.ts'
import type { ProviderCheck } from './store/checks.ts'
import type { ProviderWithKeys } from './store/providers.ts'
import type { Trouble } from './store/troubles.ts'

/** A provider as administrators see it: without its secrets (AG-99). */
export function presentProvider(
  context: AppContext,
  provider: ProviderWithKeys,
  { check, troubles }: { readonly check: ProviderCheck | undefined; readonly troubles: readonly Trouble[] },
): AIProvider {
  const { row, keys } = provider
  const { status, statusDetail, displayName } = openProvider(context, provider)
  return {
    id: row.id,
    type: row.type,
    name: row.name,
    display_name: displayName,
    icon: row.icon,
    enabled: row.enabled,
    base_url: row.base_url,
    api_keys: keys.map((key) => ({
      id: key.id,
      masked: key.masked,
      created_at: key.created_at.toISOString(),
      trouble: troubleOf(troubles, key.id),
    })),
    settings: settingsOf(context, provider),
    status,
    status_detail: statusDetail,
    last_check:
      check === undefined
        ? null
        : { ok: check.ok, error: check.error, checked_at: check.checked_at.toISOString() },
    trouble: troubleOf(troubles, ''),
    open_circuits: troubles.flatMap(circuitOf),
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  }
}

function troubleOf(troubles: readonly Trouble[], of: string): AIProviderTrouble | null {
  for (const { subject, kind, error, since, until } of troubles)
    if (subject === of && kind !== 'circuit_open')
      return { kind, error, since: since.toISOString(), until: until === null ? null : until.toISOString() }
  return null
}

function circuitOf({ kind, subject, model, since, until }: Trouble): AIProvider['open_circuits'] {
  if (kind !== 'circuit_open' || until === null) return []
  return [{ route: subject, model, since: since.toISOString(), until: until.toISOString() }]
}

/** What cannot be read any more is not shown; the status says so. */
function settingsOf(context: AppContext, { row }: ProviderWithKeys): AIProvider['settings'] {
  try {
    const settings = openSettings(context, row)
    return settings === undefined ? null : presentSettings(settings)
  } catch {
    return null
  }
}
