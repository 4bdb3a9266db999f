import {
  TerminalFontName,
  ThemeMode,
  ThemeName,
  type UpdateUserAppearanceSettingsRequest,
  type UserAppearanceSettings,
} from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import { type Validation, validationFailed } from '../errors/index.ts'
import { getSettings, storeSettings } from './store.ts'
import { storedValue } from './stored-value.ts'

const KEYS = ['theme_preference', 'theme_mode', 'theme_light', 'theme_dark', 'terminal_font']

/** How the dashboard looks for a user; empty where nothing was chosen (ID-200). @throws ApiError 404. */
export async function getAppearance(actor: Actor, db: Db, userId: string): Promise<UserAppearanceSettings> {
  const stored = await getSettings(actor, db, userId, KEYS)
  return {
    theme_preference: stored.get('theme_preference') ?? '',
    theme_mode: storedValue(ThemeMode, stored.get('theme_mode'), ''),
    theme_light: storedValue(ThemeName, stored.get('theme_light'), ''),
    theme_dark: storedValue(ThemeName, stored.get('theme_dark'), ''),
    terminal_font: storedValue(TerminalFontName, stored.get('terminal_font'), ''),
  }
}

/**
 * Changes how the dashboard looks for a user. A request without a mode, as older dashboards send it, leaves mode and
 * themes alone, unless it chooses to follow the system in the old way (ID-200).
 *
 * @throws ApiError 400 without a font or without a theme that `sync` needs, 403.
 */
export function updateAppearance(
  { database }: AppContext,
  actor: Actor,
  userId: string,
  given: UpdateUserAppearanceSettingsRequest,
): Promise<UserAppearanceSettings> {
  requireComplete(given)
  const settings = new Map<string, string>([
    ['theme_preference', given.theme_preference],
    ['terminal_font', given.terminal_font],
  ])
  if (isGiven(given.theme_mode)) {
    settings.set('theme_mode', given.theme_mode)
    // The theme for the other surroundings is kept for a return to `sync`.
    if (isGiven(given.theme_light)) settings.set('theme_light', given.theme_light)
    if (isGiven(given.theme_dark)) settings.set('theme_dark', given.theme_dark)
  } else if (given.theme_preference.startsWith('auto')) settings.set('theme_mode', '')
  return database.transaction(async (tx) => {
    await storeSettings(actor, tx, userId, settings)
    return getAppearance(actor, tx, userId)
  })
}

function requireComplete(given: UpdateUserAppearanceSettingsRequest): void {
  const faults: Validation[] = []
  if (!isGiven(given.terminal_font)) faults.push({ field: 'terminal_font', detail: 'must be chosen' })
  if (given.theme_mode === 'sync')
    for (const field of ['theme_light', 'theme_dark'] as const)
      if (!isGiven(given[field])) faults.push({ field, detail: 'must be chosen when theme_mode is sync' })
  if (faults.length > 0) throw validationFailed(faults)
}

function isGiven<Text extends string>(text: Text | '' | undefined): text is Exclude<Text, ''> {
  return text !== undefined && text !== ''
}
