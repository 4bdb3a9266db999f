import type { UpdateUserAppearanceSettingsRequest, UserAppearanceSettings } from '@slipway/contract'
import type { TerminalFont, Theme, Vision } from '../theme/theme.ts'

/** What of the look belongs to the account and goes along to other devices (ID-200). */
export interface Look {
  readonly theme: Theme
  readonly vision: Vision
  readonly font: TerminalFont
}

/** The look that an account has chosen; undefined when it has chosen none. Themes of older dashboards count (UI-1702). */
export function lookOf(settings: UserAppearanceSettings): Look | undefined {
  const { theme_preference: preference, theme_mode: mode, theme_light: light, terminal_font: font } = settings
  if (preference === '') return undefined
  const sync = mode === 'sync' || (mode === '' && preference.startsWith('auto'))
  return {
    theme: sync ? 'system' : preference.startsWith('light') ? 'light' : 'dark',
    // Both themes of `sync` may differ in that elsewhere; here one choice is for both.
    vision: visionOf(sync && light !== '' ? light : preference),
    font: font === '' ? 'jetbrains-mono' : font,
  }
}

function visionOf(theme: string): Vision {
  return theme.endsWith('-tritan') ? 'tritan' : theme.endsWith('-protan-deuter') ? 'protan-deuter' : 'plain'
}

/** The other way around. */
export function settingsOf({ theme, vision, font }: Look): UpdateUserAppearanceSettingsRequest {
  const [light, dark] = SLOTS[vision]
  return {
    theme_preference:
      theme === 'system' ? `auto${light.slice('light'.length)}` : theme === 'light' ? light : dark,
    theme_mode: theme === 'system' ? 'sync' : 'single',
    theme_light: light,
    theme_dark: dark,
    terminal_font: font,
  }
}

const SLOTS = {
  plain: ['light', 'dark'],
  'protan-deuter': ['light-protan-deuter', 'dark-protan-deuter'],
  tritan: ['light-tritan', 'dark-tritan'],
} as const satisfies Record<Vision, readonly [string, string]>
