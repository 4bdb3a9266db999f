import { classNames } from '../ui/class-names.ts'

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

export function CommandList({
  id,
  commands,
  current,
  onChoose,
}: {
  readonly id: string
  readonly commands: readonly ComposerCommand[]
  readonly current: number
  readonly onChoose: (command: ComposerCommand) => void
}) {
  return (
    <div
      id={id}
      role="listbox"
      aria-label="Commands"
      className="absolute inset-x-0 bottom-full z-20 mb-1.5 max-h-64 animate-fade overflow-y-auto rounded-card border border-line bg-raised p-1 shadow-float"
    >
      {commands.map((command, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the text field, which keeps the focus.
        <div
          key={command.name}
          id={`${id}-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === current}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onChoose(command)}
          className={classNames(
            'flex cursor-pointer items-baseline gap-3 rounded-control px-2 py-1.5 text-sm',
            index === current && 'bg-hover',
          )}
        >
          <span className="shrink-0 font-mono text-xs">/{command.name}</span>
          <span className="min-w-0 truncate text-ink-2">{command.description}</span>
        </div>
      ))}
    </div>
  )
}
