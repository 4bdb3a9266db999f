import type { ChatRow } from '../chats/index.ts'
import type { AppContext } from '../context.ts'
import { pinnedContext } from './pin.ts'
import { listSkills } from './skills.ts'

/** Of all files with instructions in one prompt, in characters: some of it has to be left for the conversation. */
const MAX_INSTRUCTIONS = 256 * 1024
const MAX_SKILLS = 200

/**
 * What a prompt of a chat says about its workspace and the skills that there are, as blocks in order (CH-702, CH-1303):
 * from the pinned copy, so that it is there while the workspace is stopped. Skills of the chat's owner are there without a
 * workspace, too. A block without anything to say is left out.
 */
export async function contextForPrompt(context: AppContext, chat: ChatRow): Promise<readonly string[]> {
  const pinned = await pinnedContext(context, chat)
  const skills = await listSkills(context, chat, pinned)
  const files = (pinned?.resources ?? []).filter(
    ({ kind, body }) => kind === 'instruction_file' && body !== '',
  )
  let left = MAX_INSTRUCTIONS
  return [
    ...(pinned === undefined
      ? []
      : [
          block('workspace-context', [
            `Operating system: ${pinned.operating_system}`,
            `Working directory: ${pinned.directory}`,
            ...files.flatMap(({ source, status, body }) => {
              left -= body.length
              return left < 0
                ? ['', `Instructions of ${source} are left out: there are too many.`]
                : [
                    '',
                    `Instructions of ${source}${status === 'oversize' ? ' (cut: the file is longer)' : ''}:`,
                    body,
                  ]
            }),
          ]),
        ]),
    ...(skills.length === 0
      ? []
      : [
          block('available-skills', [
            'Skills say how to do certain kinds of work. Read one with read_skill before you do what it is for.',
            ...skills
              .slice(0, MAX_SKILLS)
              .map(({ name, description }) => `- ${name}: ${description.replace(/\s+/g, ' ')}`),
          ]),
        ]),
  ]
}

/** A block of a prompt that its content cannot end. */
function block(name: string, lines: readonly string[]): string {
  const content = lines.join('\n').replaceAll(`</${name}`, `<\\/${name}`)
  return `<${name}>\n${content}\n</${name}>`
}
