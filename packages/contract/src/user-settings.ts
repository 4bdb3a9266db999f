import { type Static, Type } from 'typebox'

import { Time } from './common.ts'
import { route } from './route.ts'

const tag = 'Users'

const THEMES = [
  'light',
  'light-protan-deuter',
  'light-tritan',
  'dark',
  'dark-protan-deuter',
  'dark-tritan',
] as const

/** A theme for bright or dark surroundings; empty means none was chosen. */
export const ThemeName = Type.Enum(['', ...THEMES])

/** Whether the theme follows the system (`sync`) or stays (`single`); empty for settings of older dashboards. */
export const ThemeMode = Type.Enum(['', 'sync', 'single'])
export type ThemeMode = Static<typeof ThemeMode>

/** Font of terminals in the browser; empty means the default. */
export const TerminalFontName = Type.Enum([
  '',
  'geist-mono',
  'ibm-plex-mono',
  'fira-code',
  'source-code-pro',
  'jetbrains-mono',
])
export type TerminalFontName = Static<typeof TerminalFontName>

/** How the dashboard looks for a user (ID-200). */
export const UserAppearanceSettings = Type.Object({
  theme_preference: Type.String(),
  theme_mode: ThemeMode,
  theme_light: Type.String(),
  theme_dark: Type.String(),
  terminal_font: TerminalFontName,
})
export type UserAppearanceSettings = Static<typeof UserAppearanceSettings>

/** Empty texts count as left out. */
export const UpdateUserAppearanceSettingsRequest = Type.Object({
  theme_preference: Type.String({ minLength: 1, maxLength: 64 }),
  theme_mode: Type.Optional(ThemeMode),
  theme_light: Type.Optional(ThemeName),
  theme_dark: Type.Optional(ThemeName),
  terminal_font: TerminalFontName,
})
export type UpdateUserAppearanceSettingsRequest = Static<typeof UpdateUserAppearanceSettingsRequest>

export const ThinkingDisplayMode = Type.Enum(['auto', 'preview', 'always_expanded', 'always_collapsed'])

export const AgentDisplayMode = Type.Enum(['auto', 'always_expanded', 'always_collapsed'])

/** Empty until it is chosen: the dashboard decides then. */
export const CodeDiffDisplayMode = Type.Enum(['', 'auto', 'always_expanded', 'always_collapsed'])

export const AgentChatSendShortcut = Type.Enum(['enter', 'modifier_enter'])

/** Habits of a user in the dashboard (ID-201). */
export const UserPreferenceSettings = Type.Object({
  task_notification_alert_dismissed: Type.Boolean(),
  thinking_display_mode: ThinkingDisplayMode,
  shell_tool_display_mode: AgentDisplayMode,
  code_diff_display_mode: CodeDiffDisplayMode,
  agent_chat_send_shortcut: AgentChatSendShortcut,
})
export type UserPreferenceSettings = Static<typeof UserPreferenceSettings>

/** What is left out stays as it is. */
export const UpdateUserPreferenceSettingsRequest = Type.Partial(UserPreferenceSettings)
export type UpdateUserPreferenceSettingsRequest = Static<typeof UpdateUserPreferenceSettingsRequest>

/** When the workspaces of a user may be restarted (WS-231). */
export const UserQuietHoursScheduleResponse = Type.Object({
  /** With its zone: `CRON_TZ=Europe/Berlin 30 2 * * *`. */
  raw_schedule: Type.String(),
  /** Whether it is the user's own and not the default of the deployment. */
  user_set: Type.Boolean(),
  user_can_set: Type.Boolean(),
  /** `HH:mm` in the zone. */
  time: Type.String(),
  timezone: Type.String(),
  next: Time,
})
export type UserQuietHoursScheduleResponse = Static<typeof UserQuietHoursScheduleResponse>

export const getAppearance = route('GET /api/v2/users/{user}/appearance', {
  id: 'get-user-appearance-settings',
  tag,
  responses: { 200: UserAppearanceSettings },
})

export const updateAppearance = route('PUT /api/v2/users/{user}/appearance', {
  id: 'update-user-appearance-settings',
  tag,
  body: UpdateUserAppearanceSettingsRequest,
  responses: { 200: UserAppearanceSettings },
})

export const getPreferences = route('GET /api/v2/users/{user}/preferences', {
  id: 'get-user-preference-settings',
  tag,
  responses: { 200: UserPreferenceSettings },
})

export const updatePreferences = route('PUT /api/v2/users/{user}/preferences', {
  id: 'update-user-preference-settings',
  tag,
  body: UpdateUserPreferenceSettingsRequest,
  responses: { 200: UserPreferenceSettings },
})

export const getQuietHours = route('GET /api/v2/users/{user}/quiet-hours', {
  id: 'get-user-quiet-hours-schedule',
  tag: 'Enterprise',
  responses: { 200: UserQuietHoursScheduleResponse },
})

export const updateQuietHours = route('PUT /api/v2/users/{user}/quiet-hours', {
  id: 'update-user-quiet-hours-schedule',
  tag: 'Enterprise',
  body: Type.Object({ schedule: Type.String({ maxLength: 256 }) }),
  responses: { 200: UserQuietHoursScheduleResponse },
})
