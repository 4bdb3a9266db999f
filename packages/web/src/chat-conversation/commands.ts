/** What `/` offers: something to do at once, or a skill to name (UI-1121). */
export interface ComposerCommand {
  readonly name: string
  readonly description: string
  /** Without one the name is written into the message. */
  readonly run?: () => Promise<void>
}

/** Commands that begin like the text, when the text is nothing but the beginning of a command; `personal/x` like `x` too. */
export function matchingCommands(
  commands: readonly ComposerCommand[],
  text: string,
): readonly ComposerCommand[] {
  const typed = /^\/([\w/-]*)$/.exec(text)?.[1]?.toLowerCase()
  if (typed === undefined) return []
  return commands.filter(({ name }) => {
    const whole = name.toLowerCase()
    return whole.startsWith(typed) || whole.split('/')[1]?.startsWith(typed) === true
  })
}
