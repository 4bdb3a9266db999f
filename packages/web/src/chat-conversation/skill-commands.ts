import { useQuery } from '@tanstack/react-query'

import type { Chat } from '@slipway/contract'
import { ownSkillsQuery } from '../chats/queries.ts'
import type { ComposerCommand } from './command-list.tsx'

interface Named {
  readonly name: string
  readonly description: string
}

/** Skills by the names that models know: where both sides have a name, each says where it is from (CH-1303). */
export function skillCommands(
  personal: readonly Named[],
  workspace: readonly Named[],
): readonly ComposerCommand[] {
  const named = (from: string, skills: readonly Named[], others: readonly Named[]) =>
    skills.map(({ name, description }) => ({
      name: others.some((other) => other.name === name) ? `${from}/${name}` : name,
      description: description === '' ? 'Skill' : description,
    }))
  return [...named('personal', personal, workspace), ...named('workspace', workspace, personal)]
}

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
