import { useMutation } from '@tanstack/react-query'
import { Sparkles } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'

import { type Chat, proposeChatTitle, updateChat } from '@slipway/contract'
import { api } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useUser } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, TextInput } from '../ui/form.tsx'
import { changeChat } from './queries.ts'

const LONGEST = 200

/** Gives a chat another title; a model may suggest one, which counts once it is saved (UI-1108). */
export function RenameDialog({ chat, onClose }: { readonly chat: Chat; readonly onClose: () => void }) {
  const me = useUser()
  const form = useId()
  const [title, setTitle] = useState(chat.title)
  const params = { chat: chat.id }
  const suggest = useMutation({
    mutationFn: () => api.call(proposeChatTitle, { params }),
    onSuccess: (proposed) => setTitle(proposed.title),
  })
  const save = useMutation({
    mutationFn: (next: string) => api.call(updateChat, { params, body: { title: next } }),
    onSuccess: (_, next) => {
      changeChat(chat.id, { title: next })
      onClose()
    },
  })
  const wanted = title.trim()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (wanted === chat.title) onClose()
    else if (wanted !== '' && !save.isPending) save.mutate(wanted)
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title="Rename chat"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={form} tone="primary" busy={save.isPending} disabled={wanted === ''}>
            Rename
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-3">
        <Field label="Title" error={fieldError(save.error, 'title')}>
          {(field) => (
            <TextInput
              {...field}
              autoFocus
              autoComplete="off"
              maxLength={LONGEST}
              value={title}
              onFocus={(event) => event.target.select()}
              onChange={(event) => setTitle(event.target.value)}
            />
          )}
        </Field>
        {chat.owner_id === me.id ? (
          <div>
            <Button
              size="dense"
              busy={suggest.isPending}
              onClick={() => suggest.mutate()}
              icon={<Sparkles className="size-3.5" strokeWidth={1.75} />}
            >
              Suggest a title
            </Button>
          </div>
        ) : null}
        <ErrorNotice error={suggest.error} title="No title was suggested" />
        <ErrorNotice error={save.error} title="The chat was not renamed" />
      </form>
    </Dialog>
  )
}
