import type { ComposerCommand } from './commands.ts'

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
