import { useQuery } from '@tanstack/react-query'

import type { Chat } from '@slipway/contract'
import { ownSkillsQuery } from '../chats/queries.ts'
import type { ComposerCommand } from './commands.ts'
import { skillCommands } from './skill-commands.ts'

/** What a composer offers behind `/`, and whether it knows all of it (UI-1121). A skill named like a command wins. */
export function useSkillCommands(
  chat: Chat | undefined,
  compact?: (() => Promise<void>) | undefined,
): { readonly commands: readonly ComposerCommand[]; readonly loading: boolean } {
  const own = useQuery(ownSkillsQuery)
  const workspace = (chat?.context?.resources ?? []).flatMap(
    ({ kind, status, skill_name: name, skill_description: description = '' }) =>
      kind === 'skill' && status === 'ok' && name !== undefined ? [{ name, description }] : [],
  )
  const skills = skillCommands(own.data ?? [], workspace)
  const named = [...(own.data ?? []), ...workspace].some(({ name }) => name === 'compact')
  return {
    commands:
      compact === undefined || named || own.isPending
        ? skills
        : [
            { name: 'compact', description: 'Sum up earlier messages for the model', run: compact },
            ...skills,
          ],
    loading: own.isPending,
  }
}
