import { X } from 'lucide-react'
import { Dialog as Primitive } from 'radix-ui'
import { type FormEvent, type ReactNode, useId, useState } from 'react'

import { Button } from './button.tsx'
import { classNames } from './class-names.ts'
import { ErrorNotice } from './error-notice.tsx'
import { Field, TextInput } from './form.tsx'
import { ModalContent } from './modal.tsx'

interface DialogProps {
  readonly open: boolean
  readonly onClose: () => void
  readonly title: string
  readonly description?: ReactNode
  readonly children?: ReactNode
  readonly footer?: ReactNode
  readonly wide?: boolean
  /** Neither Esc nor a click outside closes it: it wants an answer. */
  readonly insistent?: boolean
}

/** A modal dialog: focus stays inside, Esc closes, focus returns to the opener. */
export function Dialog({
  open,
  onClose,
  title,
  description,
  children,
  footer,
  wide = false,
  insistent = false,
}: DialogProps) {
  const described = useId()
  return (
    <Primitive.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
      <Primitive.Portal>
        <ModalContent
          {...(insistent ? { onEscapeKeyDown: stay, onInteractOutside: stay } : {})}
          aria-describedby={description === undefined ? undefined : described}
          className={classNames(
            'fixed left-1/2 top-1/2 z-50 flex max-h-[min(90dvh,720px)] w-[calc(100vw-32px)] -translate-x-1/2 -translate-y-1/2 animate-fade flex-col rounded-dialog border border-line bg-raised shadow-float',
            wide ? 'max-w-2xl' : 'max-w-md',
          )}
        >
          <Primitive.Title className="min-w-0 pl-5 pr-14 pt-4 text-lg font-semibold">{title}</Primitive.Title>
          <div data-modal-body className="min-h-0 flex-1 overflow-y-auto px-5 pb-5 pt-1">
            {description === undefined ? null : (
              <div id={described} className="text-sm text-ink-2">
                {description}
              </div>
            )}
            {children === undefined ? null : <div className="mt-4">{children}</div>}
          </div>
          {footer === undefined ? null : (
            <div data-modal-body className="flex flex-wrap justify-end gap-2 border-t border-line px-5 py-3">
              {footer}
            </div>
          )}
          {/* Last, so that the focus begins at what the dialog is about. */}
          <Primitive.Close asChild>
            <Button
              tone="quiet"
              size="icon"
              aria-label="Close"
              className="absolute right-3 top-3.5"
              icon={<X className="size-4" />}
            />
          </Primitive.Close>
        </ModalContent>
      </Primitive.Portal>
    </Primitive.Root>
  )
}

const stay = (event: Event) => event.preventDefault()

interface ConfirmDialogProps {
  readonly open: boolean
  readonly onClose: () => void
  readonly title: string
  /** What will happen, concretely; what is lost, when something is. */
  readonly description: ReactNode
  /** The verb on the button. */
  readonly verb: string
  readonly danger?: boolean
  /** Grade "destroy": the exact name has to be typed first (UI-506). */
  readonly typedName?: string
  readonly children?: ReactNode
  readonly busy: boolean
  readonly error: unknown
  readonly onConfirm: () => void
}

/** Asks before an action (UI-506): confirm, warn, or (with `typedName`) destroy. Errors stay inside. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const {
    open,
    onClose,
    title,
    description,
    verb,
    danger = false,
    typedName,
    children,
    busy,
    error,
    onConfirm,
  } = props
  const form = useId()
  const [typed, setTyped] = useState('')
  const [left, setLeft] = useState(false)
  const matches = typedName === undefined || typed === typedName
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (matches && !busy) onConfirm()
  }
  const close = () => {
    setTyped('')
    setLeft(false)
    onClose()
  }
  return (
    <Dialog
      open={open}
      onClose={close}
      title={title}
      description={description}
      footer={
        <>
          <Button onClick={close} autoFocus={typedName === undefined}>
            Cancel
          </Button>
          <Button
            type="submit"
            form={form}
            tone={danger ? 'danger' : 'primary'}
            busy={busy}
            disabled={!matches}
          >
            {verb}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-3">
        {children}
        {typedName === undefined ? null : (
          <Field
            label={`Type "${typedName}" to confirm`}
            {...(left && typed !== '' && !matches ? { error: 'This is not the name.' } : {})}
          >
            {(field) => (
              <TextInput
                {...field}
                autoFocus
                autoComplete="off"
                spellCheck={false}
                value={typed}
                onChange={(event) => setTyped(event.target.value)}
                onBlur={() => setLeft(true)}
              />
            )}
          </Field>
        )}
        <ErrorNotice error={error} />
      </form>
    </Dialog>
  )
}
