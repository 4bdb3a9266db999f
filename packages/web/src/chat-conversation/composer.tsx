import { useQuery } from '@tanstack/react-query'
import {
  type ClipboardEvent,
  type DragEvent,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  use,
  useEffect,
  useId,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react'

import type { ChatInputPart } from '@slipway/contract'
import { preferencesQuery } from '../appearance/use-look.ts'
import { UserContext } from '../session/user-context.ts'
import { classNames } from '../ui/class-names.ts'
import { ErrorNotice } from '../ui/error-notice.tsx'
import type { MenuItem } from '../ui/menu.tsx'
import { AttachmentChips } from './attachment-chips.tsx'
import type { ComposerCommand } from './commands.ts'
import { ComposerBar, type Running } from './composer-bar.tsx'
import { countInvisible, enterAction, isLongPaste, pastedName } from './composer-text.ts'
import type { ComposerHandle } from './conversation-context.ts'
import type { FileReference } from './diff-rows.ts'
import { type Draft, draftName, readDraft, writeDraft } from './drafts.ts'
import { MentionMarks } from './mention-marks.tsx'
import { type KnownFiles, partsOfText, usedFiles, withMention } from './mentions.ts'
import { ReferenceChips } from './reference-chips.tsx'
import { type Attachment, useAttachments } from './use-attachments.ts'
import { useKeptDraft } from './use-draft.ts'
import { useOffers } from './use-offers.tsx'
import { usePromptHistory } from './use-prompt-history.ts'

/** What somebody has written. */
export interface ComposedMessage {
  readonly text: string
  /** Text first, then files (UI-1111). */
  readonly content: readonly ChatInputPart[]
}

interface ComposerProps {
  /** Under which the draft is kept: the id of a chat, or `new`. Another key needs another composer (`key`). */
  readonly draftKey: string
  /** Files belong to an organization; until it is known none can be added. */
  readonly organizationId: string | undefined
  /** Whose files are offered behind `@` (UI-1122). */
  readonly workspaceId?: string | undefined
  readonly label: string
  readonly placeholder: string
  /** Why sending has to wait, in words; writing goes on. */
  readonly blocked?: string | undefined
  /** Rejects when the message was not taken: then it comes back, with the reason. */
  readonly onSubmit: (message: ComposedMessage, how: 'queue' | 'interrupt') => Promise<void>
  /** Enter in an empty composer. */
  readonly onEmptySubmit?: (() => void) | undefined
  readonly modelPicker?: ReactNode
  readonly chips?: ReactNode
  readonly meter?: ReactNode
  /** More entries of the menu behind "+". */
  readonly menu?: readonly (readonly MenuItem[])[]
  readonly planMode?: { readonly on: boolean; readonly onChange: (on: boolean) => void } | undefined
  readonly running?: Running | undefined
  readonly history?: (() => Promise<readonly string[]>) | undefined
  readonly commands?: readonly ComposerCommand[]
  /** More of them may come: what looks like one is not sent as text meanwhile (UI-1121). */
  readonly commandsLoading?: boolean
  /** A message that was sent is changed: what it said, and how to leave. */
  readonly editing?: { readonly draft: Draft; readonly onCancel: () => void } | undefined
  readonly autoFocus?: boolean
  readonly ref?: Ref<ComposerHandle>
}

const NO_MENU: readonly (readonly MenuItem[])[] = []
const NO_REFERENCES: readonly FileReference[] = []
const NO_COMMANDS: readonly ComposerCommand[] = []
const NO_FILES: KnownFiles = {}
/** How the text of a message is set, in the field and in what lies under it. */
const TEXT = 'px-3.5 pb-1.5 pt-3 text-base leading-relaxed max-sm:text-lg'

/** Where messages are written, of a chat and of a new one (UI-1116…1126). What is typed is never lost. */
export function Composer(props: ComposerProps) {
  const { organizationId, blocked, onSubmit, running, editing, commands = NO_COMMANDS } = props
  const user = use(UserContext)
  const habit = useQuery(preferencesQuery).data?.agent_chat_send_shortcut
  const name = draftName(user?.id ?? '', props.draftKey)
  const [kept] = useState(() => editing?.draft ?? readDraft(name))
  const [text, setText] = useState(kept.text)
  const attachments = useAttachments(kept.files, organizationId)
  const [references, setReferences] = useState(kept.references ?? NO_REFERENCES)
  const [failure, setFailure] = useState<unknown>()
  const [flight, setFlight] = useState<Flight>()
  const [dropping, setDropping] = useState(false)
  const [known, setKnown] = useState<KnownFiles>(kept.mentions ?? NO_FILES)
  const [caret, setCaret] = useState(0)
  const plainPaste = useRef(false)
  const field = useRef<HTMLTextAreaElement>(null)
  const history = usePromptHistory(props.history)
  const ids = useId()
  const done = attachments.items.filter(({ state, id }) => state === 'done' && id !== undefined)
  useKeptDraft(
    editing === undefined ? name : undefined,
    useMemo(
      () => draftOf(text, attachments.items, references, known, flight),
      [text, attachments.items, references, known, flight],
    ),
  )

  const invisible = countInvisible(text)
  const empty = text.trim() === '' && done.length === 0 && references.length === 0

  useImperativeHandle(props.ref, () => ({
    focus: () => field.current?.focus(),
    insert: (added) => {
      setText((now) => (now === '' || /\s$/.test(now) ? now + added : `${now}\n${added}`))
      field.current?.focus()
    },
    refer: (reference) => {
      setReferences((now) => [...now, reference])
      field.current?.focus()
    },
  }))
  useEffect(() => {
    // On a phone the focus would bring the keyboard up.
    if (props.autoFocus === true && !matchMedia('(pointer: coarse)').matches)
      field.current?.focus({ preventScroll: true })
  }, [props.autoFocus])
  useGrowing(field, text)
  // With the text itself: whoever types on before the next frame goes on at the right place.
  const caretTo = useRef<number>(undefined)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new text is when the caret can be placed in it.
  useLayoutEffect(() => {
    const at = caretTo.current
    caretTo.current = undefined
    if (at !== undefined) field.current?.setSelectionRange(at, at)
  }, [text])

  const type = (next: string, at = next.length) => {
    setText(next)
    setCaret(at)
    offers.typed()
    history.end()
  }
  const offers = useOffers({
    id: `${ids}-list`,
    text,
    caret,
    commands,
    workspaceId: props.workspaceId,
    known,
    onCommand: (command) => void run(command),
    onFile: (mention, path, file) => {
      setKnown((now) => ({ ...now, [path]: file }))
      const next = withMention(text, mention, path)
      type(next.text, next.caret)
      caretTo.current = next.caret
    },
  })
  const showPrompt = (prompt: string | undefined) => {
    if (prompt === undefined) return
    setText(prompt)
    caretTo.current = prompt.length
  }
  const run = async (command: ComposerCommand) => {
    if (command.run === undefined) {
      type(`/${command.name} `)
      return
    }
    setText('')
    setFailure(undefined)
    try {
      await command.run()
    } catch (error) {
      setText(`/${command.name}`)
      setFailure(error)
    }
  }
  const send = async (how: 'queue' | 'interrupt') => {
    if (blocked !== undefined || flight !== undefined || attachments.busy) return
    const command = commands.find((one) => one.run !== undefined && text.trim() === `/${one.name}`)
    if (command !== undefined) return run(command)
    if (props.commandsLoading === true && /^\/[\w/-]+$/.test(text.trim())) {
      setFailure(new Error('Commands and skills are still being read. Send it again in a moment.'))
      return
    }
    if (empty) {
      props.onEmptySubmit?.()
      return
    }
    const sent = { text, items: attachments.items, references }
    const content: ChatInputPart[] = [
      ...references.flatMap(partsOf),
      ...partsOfText(text, known),
      ...done.map(({ id }) => ({ type: 'file', ...(id === undefined ? {} : { file_id: id }) })),
    ]
    setFailure(undefined)
    setFlight(sent)
    setText('')
    setReferences(NO_REFERENCES)
    attachments.clear()
    try {
      await onSubmit({ text: text.trim(), content }, how)
      if (editing === undefined)
        writeDraft(name, draftOf(field.current?.value ?? '', [], NO_REFERENCES, known, undefined))
    } catch (error) {
      // What was written meanwhile stays behind it.
      setText((now) => (now === '' ? sent.text : `${sent.text}\n\n${now}`))
      attachments.restore(sent.items)
      setReferences((now) => [...sent.references, ...now])
      setFailure(error)
    } finally {
      setFlight(undefined)
    }
  }

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    const composing = event.nativeEvent.isComposing || event.keyCode === 229
    const modifier = event.ctrlKey || event.metaKey
    plainPaste.current = modifier && event.shiftKey && event.key.toLowerCase() === 'v'
    if (composing) return
    if (offers.onKeyDown(event)) return
    const { key, shiftKey, altKey } = event
    const touch = matchMedia('(pointer: coarse)').matches
    const action = enterAction({ key, shiftKey, altKey, modifier, composing }, habit, touch)
    if (action === 'send' || action === 'send-now') {
      event.preventDefault()
      void send(action === 'send-now' ? 'interrupt' : 'queue')
    } else if (key === 'Escape') {
      const before = history.cancel()
      if (before === undefined && editing === undefined) return
      event.preventDefault()
      if (before === undefined) editing?.onCancel()
      else setText(before)
    } else if (key === 'ArrowUp' && !modifier && !altKey && !shiftKey && (text === '' || history.active())) {
      event.preventDefault()
      void history.older(text).then(showPrompt, setFailure)
    } else if (key === 'ArrowDown' && !modifier && !altKey && !shiftKey && history.active()) {
      event.preventDefault()
      showPrompt(history.newer())
    }
  }
  const onPaste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files]
    const pasted = event.clipboardData.getData('text/plain')
    if (organizationId === undefined) return
    if (files.length > 0) {
      event.preventDefault()
      attachments.add(files)
    } else if (isLongPaste(pasted) && !plainPaste.current) {
      event.preventDefault()
      attachments.add([new File([pasted], pastedName(new Date()), { type: 'text/plain' })], pasted)
    }
  }
  const onDrop = (event: DragEvent) => {
    setDropping(false)
    if (event.dataTransfer.files.length === 0) return
    event.preventDefault()
    attachments.add([...event.dataTransfer.files])
  }
  const holdsFiles = (event: DragEvent) =>
    organizationId !== undefined && event.dataTransfer.types.includes('Files')

  return (
    <div className="flex min-w-0 flex-col gap-2">
      <ErrorNotice error={failure} />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: files are dropped here; the menu does the same by keyboard. */}
      <div
        onDragOver={(event) => {
          if (!holdsFiles(event)) return
          event.preventDefault()
          setDropping(true)
        }}
        onDragLeave={() => setDropping(false)}
        onDrop={onDrop}
        className={classNames(
          'relative rounded-dialog border bg-surface transition-colors duration-(--fast) focus-within:border-accent',
          dropping ? 'border-accent bg-accent-wash' : 'border-line-strong',
        )}
      >
        {offers.list}
        <ReferenceChips
          references={references}
          onRemove={(index) => setReferences((now) => now.filter((_, at) => at !== index))}
        />
        <AttachmentChips
          attachments={attachments}
          onInsert={(pasted) => setText((now) => (now === '' ? pasted : `${now}\n${pasted}`))}
        />
        <div className="relative">
          <MentionMarks field={field} text={text} known={known} className={TEXT} />
          <textarea
            ref={field}
            value={text}
            rows={1}
            aria-label={props.label}
            aria-describedby={invisible > 0 ? `${ids}-invisible` : undefined}
            aria-autocomplete={commands.length > 0 || props.workspaceId !== undefined ? 'list' : undefined}
            aria-controls={offers.controls}
            aria-activedescendant={offers.active}
            placeholder={dropping ? 'Drop files to attach them' : props.placeholder}
            onChange={({ target }) => type(target.value, target.selectionStart)}
            onSelect={({ currentTarget }) => setCaret(currentTarget.selectionStart)}
            onKeyDown={onKeyDown}
            onPaste={onPaste}
            enterKeyHint={habit === 'enter' ? 'send' : 'enter'}
            className={classNames(
              'relative block max-h-[40dvh] min-h-11 w-full resize-none bg-transparent outline-none [field-sizing:content]',
              TEXT,
            )}
          />
        </div>
        <ComposerBar
          onFiles={organizationId === undefined ? undefined : (files) => attachments.add(files)}
          planMode={props.planMode}
          menu={props.menu ?? NO_MENU}
          chips={props.chips}
          modelPicker={props.modelPicker}
          meter={props.meter}
          running={running}
          editing={editing !== undefined}
          empty={empty}
          sending={flight !== undefined}
          blocked={blocked ?? (attachments.busy ? 'Files are still on their way' : undefined)}
          onSend={(how) => {
            void send(how)
            field.current?.focus()
          }}
        />
      </div>
      {invisible === 0 ? null : (
        <p id={`${ids}-invisible`} className="px-1 text-xs text-warn">
          The message has {invisible === 1 ? 'a character' : `${invisible} characters`} that cannot be seen,
          or that turn the direction of text.
        </p>
      )}
    </div>
  )
}

/** What is on its way to the server. */
interface Flight {
  readonly text: string
  readonly items: readonly Attachment[]
  readonly references: readonly FileReference[]
}

/** Lines, and right behind them what is said about them (UI-1122). */
function partsOf({ file, from, until, content, comment }: FileReference): ChatInputPart[] {
  return [
    { type: 'file-reference', file_name: file, start_line: from, end_line: until, content },
    ...(comment === '' ? [] : [{ type: 'text', text: comment }]),
  ]
}

/** Until the server has taken it, what is on its way belongs to the draft (UI-1117). */
function draftOf(
  text: string,
  items: readonly Attachment[],
  references: readonly FileReference[],
  known: KnownFiles,
  flight: Flight | undefined,
): Draft {
  const whole = [flight?.text, text].filter((part) => part !== undefined && part !== '').join('\n\n')
  return {
    references: [...(flight?.references ?? []), ...references],
    mentions: usedFiles(whole, known),
    text: whole,
    files: [...(flight?.items ?? []), ...items].flatMap(({ id, name, type, size, state }) =>
      state === 'done' && id !== undefined ? [{ id, name, type, size }] : [],
    ),
  }
}

/** Where the browser does not size fields by their content. */
function useGrowing(field: React.RefObject<HTMLTextAreaElement | null>, text: string): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the size follows the text.
  useLayoutEffect(() => {
    const { current } = field
    if (current === null || CSS.supports('field-sizing', 'content')) return
    current.style.height = 'auto'
    current.style.height = `${current.scrollHeight}px`
  }, [field, text])
}
