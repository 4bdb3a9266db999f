// The server, whose gateway records nothing.
import { Recorder } from '../packages/server/src/ai-gateway/recording/recorder.ts'
import { main } from '../packages/server/src/main.ts'

Recorder.prototype.begin = () => Promise.resolve()
Recorder.prototype.end = () => Promise.resolve()
process.exitCode = await main([])
