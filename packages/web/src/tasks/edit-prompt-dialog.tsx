import { useMutation } from '@tanstack/react-query'
import { useId, useState } from 'react'

import type { Task } from '@slipway/contract'
import { describeError } from '../api/errors.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, TextArea } from '../ui/form.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { changePrompt, type PromptStage } from './change-prompt.ts'
import { refreshTasks } from './queries.ts'
import type { TaskStage } from './task-stage.ts'

const WORDS: Record<PromptStage, string> = {
  cancel: 'Canceling the build',
  pause: 'Pausing the task',
  save: 'Saving the prompt',
  resume: 'Starting the task',
}

/** Another prompt: of a paused task at once, of one that is being built after it was paused for it (UI-1202, WS-260). */
export function EditPromptDialog({
  task,
  stage,
  onClose,
}: {
  readonly task: Task
  readonly stage: TaskStage
  readonly onClose: () => void
}) {
  // What the dialog was opened for stays, whatever the task comes to meanwhile.
  const [paused] = useState(stage === 'paused')
  const [text, setText] = useState(task.initial_prompt)
  const [step, setStep] = useState<PromptStage>()
  const form = useId()
  const save = useMutation({
    mutationFn: (resume: boolean) => changePrompt(task, text.trim(), { resume, onStage: setStep }),
    onSuccess: onClose,
    onSettled: refreshTasks,
  })
  const empty = text.trim() === ''
  const unchanged = text.trim() === task.initial_prompt.trim()
  const blocked = empty || save.isPending
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title="Edit the prompt"
      description={
        paused
          ? 'The task begins with it when it is resumed.'
          : 'The workspace is stopped, and started again with the new prompt. What it was doing until now is lost.'
      }
      footer={
        <>
          {save.isPending && step !== undefined ? (
            <span role="status" className="mr-auto inline-flex items-center gap-2 text-sm text-ink-2">
              <Spinner /> {WORDS[step]}
            </span>
          ) : null}
          <Button onClick={onClose} disabled={save.isPending}>
            Cancel
          </Button>
          {paused ? (
            <Button disabled={blocked || unchanged} onClick={() => save.mutate(false)}>
              Save
            </Button>
          ) : null}
          <Button
            tone="primary"
            type="submit"
            form={form}
            busy={save.isPending}
            disabled={blocked || (!paused && unchanged)}
          >
            {paused ? 'Save and resume' : 'Start again with it'}
          </Button>
        </>
      }
    >
      <form
        id={form}
        onSubmit={(event) => {
          event.preventDefault()
          if (!blocked) save.mutate(true)
        }}
        className="flex flex-col gap-3"
      >
        <Field label="Prompt">
          {(field) => (
            <TextArea
              {...field}
              autoFocus
              rows={8}
              value={text}
              onChange={({ target }) => setText(target.value)}
              className="max-h-[50dvh] min-h-32 [field-sizing:content]"
            />
          )}
        </Field>
        {save.isError ? (
          <ErrorNotice
            error={save.error}
            title={step === undefined ? 'The prompt was not changed' : `${WORDS[step]} failed`}
            {...(describeError(save.error).retryable ? { onRetry: () => save.mutate(true) } : {})}
          />
        ) : null}
      </form>
    </Dialog>
  )
}
