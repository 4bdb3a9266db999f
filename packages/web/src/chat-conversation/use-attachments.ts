import { useEffect, useRef, useState } from 'react'

import { describeError } from '../api/errors.ts'
import { uploadFile } from './chat-files.ts'
import { fileSize, MOST_FILE_BYTES, MOST_FILES, safeFileName } from './composer-text.ts'
import type { DraftFile } from './drafts.ts'
import { isShrinkable, shrunkImage } from './shrink-image.ts'

/** A file that goes with the next message. */
export interface Attachment {
  readonly key: string
  readonly name: string
  readonly type: string
  readonly size: number
  readonly state: 'uploading' | 'done' | 'failed'
  /** From 0 to 1. */
  readonly progress: number
  readonly error?: string | undefined
  /** On the server. */
  readonly id?: string | undefined
  /** Text that was pasted: it can be put into the message instead. */
  readonly pasted?: string | undefined
  /** While it is here. */
  readonly file?: File | undefined
}

/** Files of a composer: uploaded as soon as they are chosen, with progress, cancel and another try (UI-1118). */
export interface Attachments {
  readonly items: readonly Attachment[]
  readonly busy: boolean
  readonly add: (files: readonly File[], pasted?: string) => void
  readonly remove: (key: string) => void
  readonly retry: (key: string) => void
  readonly clear: () => void
  readonly restore: (items: readonly Attachment[]) => void
}

let next = 0

/** What a draft remembers of a file, as a file of the composer. */
function attachedFile(file: DraftFile): Attachment {
  return { ...file, key: `a${next++}`, state: 'done', progress: 1 }
}

export function useAttachments(initial: readonly DraftFile[], organization: string | undefined): Attachments {
  const [items, setItems] = useState<readonly Attachment[]>(() => initial.map(attachedFile))
  const running = useRef(new Map<string, AbortController>())
  useEffect(() => {
    const { current } = running
    return () => {
      for (const upload of current.values()) upload.abort()
    }
  }, [])
  const change = (key: string, with_: Partial<Attachment>) =>
    setItems((now) => now.map((item) => (item.key === key ? { ...item, ...with_ } : item)))
  const upload = async (item: Attachment, file: File) => {
    if (organization === undefined) return
    const abort = new AbortController()
    running.current.set(item.key, abort)
    try {
      const sent = await shrunkImage(file)
      if (sent.size > MOST_FILE_BYTES) throw new Error(`${fileSize(sent.size)}, at most 10 MiB`)
      const { id } = await uploadFile(
        sent,
        organization,
        (progress) => change(item.key, { progress }),
        abort.signal,
      )
      change(item.key, { state: 'done', progress: 1, id })
    } catch (error) {
      if (!abort.signal.aborted) change(item.key, { state: 'failed', error: describeError(error).message })
    } finally {
      running.current.delete(item.key)
    }
  }
  return {
    items,
    busy: items.some(({ state }) => state === 'uploading'),
    add: (files, pasted) => {
      const added = files.map((given, index): { readonly item: Attachment; readonly file: File } => {
        const name = safeFileName(given.name)
        const file = new File([given], name, { type: given.type })
        const error =
          items.length + index >= MOST_FILES
            ? `At most ${MOST_FILES} files`
            : file.size > MOST_FILE_BYTES && !isShrinkable(file)
              ? `${fileSize(file.size)}, at most 10 MiB`
              : file.size === 0
                ? 'The file is empty'
                : undefined
        return {
          file,
          item: {
            key: `a${next++}`,
            name,
            type: file.type,
            size: file.size,
            state: error === undefined ? 'uploading' : 'failed',
            progress: 0,
            error,
            pasted,
            file: error === undefined ? file : undefined,
          },
        }
      })
      setItems((now) => [...now, ...added.map(({ item }) => item)])
      for (const { item, file } of added) if (item.state === 'uploading') void upload(item, file)
    },
    remove: (key) => {
      running.current.get(key)?.abort()
      setItems((now) => now.filter((item) => item.key !== key))
    },
    retry: (key) => {
      const item = items.find((one) => one.key === key)
      if (item?.file === undefined) return
      change(key, { state: 'uploading', progress: 0, error: undefined })
      void upload(item, item.file)
    },
    clear: () => setItems([]),
    restore: (kept) => setItems((now) => [...kept, ...now]),
  }
}
