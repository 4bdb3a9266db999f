import {
  AgentChatSendShortcut,
  AgentDisplayMode,
  CodeDiffDisplayMode,
  ThinkingDisplayMode,
  type UpdateUserPreferenceSettingsRequest,
  type UserPreferenceSettings,
} from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext, Db } from '../context.ts'
import { getSettings, storeSettings } from './store.ts'
import { storedValue } from './stored-value.ts'

const KEYS = [
  'task_notification_alert_dismissed',
  'thinking_display_mode',
  'shell_tool_display_mode',
  'code_diff_display_mode',
  'agent_chat_send_shortcut',
] as const satisfies readonly (keyof UserPreferenceSettings)[]

/** Habits of a user in the dashboard, with defaults for what was not chosen (ID-201). @throws ApiError 404. */
export async function getPreferences(actor: Actor, db: Db, userId: string): Promise<UserPreferenceSettings> {
  const stored = await getSettings(actor, db, userId, KEYS)
  return {
    task_notification_alert_dismissed: stored.get('task_notification_alert_dismissed') === 'true',
    thinking_display_mode: storedValue(ThinkingDisplayMode, stored.get('thinking_display_mode'), 'auto'),
    shell_tool_display_mode: storedValue(
      AgentDisplayMode,
      stored.get('shell_tool_display_mode'),
      'always_collapsed',
    ),
    code_diff_display_mode: storedValue(CodeDiffDisplayMode, stored.get('code_diff_display_mode'), ''),
    agent_chat_send_shortcut: storedValue(
      AgentChatSendShortcut,
      stored.get('agent_chat_send_shortcut'),
      'enter',
    ),
  }
}

/** Changes the preferences that are given, all or none (ID-201). @throws ApiError 403. */
export function updatePreferences(
  { database }: AppContext,
  actor: Actor,
  userId: string,
  given: UpdateUserPreferenceSettingsRequest,
): Promise<UserPreferenceSettings> {
  const settings = new Map<string, string>()
  for (const key of KEYS) {
    const value = given[key]
    if (value !== undefined) settings.set(key, String(value))
  }
  return database.transaction(async (tx) => {
    await storeSettings(actor, tx, userId, settings)
    return getPreferences(actor, tx, userId)
  })
}
