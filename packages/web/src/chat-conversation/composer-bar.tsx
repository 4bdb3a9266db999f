import {
  ArrowUp,
  ChevronDown,
  CornerDownLeft,
  ListChecks,
  Paperclip,
  Plus,
  Square,
  X,
  Zap,
} from 'lucide-react'
import { type ReactNode, useRef } from 'react'

import { Button } from '../ui/button.tsx'
import { Menu, type MenuItem } from '../ui/menu.tsx'
import { Spinner } from '../ui/spinner.tsx'

/** What the model does while one writes, and how to stop it. */
export interface Running {
  readonly stopping: boolean
  readonly onStop: () => void
}

interface ComposerBarProps {
  readonly onFiles: ((files: readonly File[]) => void) | undefined
  readonly planMode: { readonly on: boolean; readonly onChange: (on: boolean) => void } | undefined
  readonly menu: readonly (readonly MenuItem[])[]
  readonly chips: ReactNode
  readonly modelPicker: ReactNode
  readonly meter: ReactNode
  readonly running: Running | undefined
  readonly editing: boolean
  readonly empty: boolean
  readonly sending: boolean
  /** Why sending waits. */
  readonly blocked: string | undefined
  readonly onSend: (how: 'queue' | 'interrupt') => void
}

/** Under the text: what goes along with it to the left, send and stop in one place to the right. */
export function ComposerBar(props: ComposerBarProps) {
  const {
    onFiles,
    planMode,
    menu,
    chips,
    modelPicker,
    meter,
    running,
    editing,
    empty,
    sending,
    blocked,
    onSend,
  } = props
  const picker = useRef<HTMLInputElement>(null)
  const off = empty || blocked !== undefined || sending
  const items: MenuItem[] = [
    ...(onFiles === undefined
      ? []
      : [{ id: 'file', label: 'Attach files', icon: Paperclip, onSelect: () => picker.current?.click() }]),
    ...(planMode === undefined
      ? []
      : [
          {
            id: 'plan',
            label: 'Plan first',
            hint: 'The model asks and proposes before it changes anything',
            icon: ListChecks,
            checked: planMode.on,
            onSelect: () => planMode.onChange(!planMode.on),
          },
        ]),
  ]
  return (
    <div className="flex min-w-0 items-end gap-1.5 px-2 pb-2">
      <div className="flex min-w-0 flex-1 flex-wrap items-center gap-1">
        {items.length === 0 && menu.length === 0 ? null : (
          <Menu
            label="Add to the message"
            align="start"
            side="top"
            groups={[items, ...menu]}
            trigger={
              <Button
                tone="quiet"
                size="icon"
                aria-label="Add to the message"
                icon={<Plus className="size-4" />}
              />
            }
          />
        )}
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          onChange={({ target }) => {
            onFiles?.([...(target.files ?? [])])
            target.value = ''
          }}
        />
        {modelPicker}
        {planMode?.on === true ? (
          <span className="inline-flex h-7 items-center gap-1 rounded-control bg-accent-wash pl-2 pr-0.5 text-xs font-medium text-accent">
            <ListChecks className="size-3.5" aria-hidden="true" />
            Plan first
            <button
              type="button"
              aria-label="Do not plan first"
              onClick={() => planMode.onChange(false)}
              className="inline-flex size-6 items-center justify-center rounded-sm hover:bg-hover"
            >
              <X className="size-3" />
            </button>
          </span>
        ) : null}
        {chips}
      </div>
      <div className="flex shrink-0 items-center gap-1">
        {meter}
        {running !== undefined && !editing ? (
          <Button
            size="icon"
            aria-label={running.stopping ? 'Stopping' : 'Stop'}
            title={running.stopping ? 'Stopping' : 'Stop (Esc)'}
            disabled={running.stopping}
            onClick={running.onStop}
            icon={running.stopping ? <Spinner /> : <Square className="size-3.5 fill-current" />}
          />
        ) : null}
        {running === undefined || editing || !empty ? (
          <>
            <Button
              tone="primary"
              size="icon"
              aria-label={
                editing
                  ? 'Send the changed message'
                  : running === undefined
                    ? 'Send'
                    : 'Send after this answer'
              }
              title={blocked ?? (running === undefined || editing ? 'Send' : 'Send after this answer')}
              disabled={off}
              aria-busy={sending || undefined}
              onClick={() => onSend('queue')}
              className={running === undefined || editing ? undefined : 'rounded-r-none!'}
              icon={
                sending ? (
                  <Spinner />
                ) : running === undefined || editing ? (
                  <ArrowUp className="size-4" strokeWidth={2.25} />
                ) : (
                  <CornerDownLeft className="size-4" />
                )
              }
            />
            {running === undefined || editing ? null : (
              <Menu
                label="How to send"
                side="top"
                groups={[
                  [
                    {
                      id: 'queue',
                      label: 'Send after this answer',
                      icon: CornerDownLeft,
                      disabled: off,
                      onSelect: () => onSend('queue'),
                    },
                    {
                      id: 'now',
                      label: 'Send now',
                      hint: 'Stops what the model does · Ctrl or ⌘, Shift, Enter',
                      icon: Zap,
                      disabled: off,
                      onSelect: () => onSend('interrupt'),
                    },
                  ],
                ]}
                trigger={
                  <Button
                    tone="primary"
                    size="icon"
                    aria-label="How to send"
                    className="-ml-[3px] w-6! min-w-6! rounded-l-none! border-l border-l-accent-ink/30"
                    icon={<ChevronDown className="size-3.5" />}
                  />
                }
              />
            )}
          </>
        ) : null}
      </div>
    </div>
  )
}
