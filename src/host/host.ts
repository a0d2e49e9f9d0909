/** A worker thread that runs plain JavaScript text (see `Host.startWorker`). */
export interface HostWorker {
  /**
   * Sends a value, copied by the structured clone algorithm (shared memory stays shared);
   * array buffers and ports in `transfer` move instead.
   *
   * @throws StateError if the worker has ended
   */
  post(message: unknown, transfer?: readonly (ArrayBuffer | MessagePort)[]): void;
  /**
   * Ends the worker now, in the middle of what it does. Neither callback is called any more. Resolves
   * when the worker runs no more.
   */
  terminate(): Promise<void>;
  /** Keeps the process alive as long as the worker runs. Does nothing in browsers. */
  ref(): void;
  /** Lets the process end although the worker runs. Does nothing in browsers. */
  unref(): void;
}

/** Bounds of a worker. */
export interface WorkerOptions {
  /**
   * Most bytes of the worker's JavaScript heap (buffers and WebAssembly's memory do not count): with
   * more, the worker ends with an error. Browsers have a bound of their own.
   */
  readonly maxHeapBytes?: number | undefined;
}

/** What a process runs on, as people read it. */
export interface HostMachine {
  /** The version of Node (`v20.19.4`), or what a browser says of itself. */
  readonly runtime: string;
  /** `linux x64`. */
  readonly platform: string;
  /** The model of the processor, as far as the system tells it. */
  readonly cpu: string;
}

/** A stream for text. */
export interface HostOutput {
  /** Whether it is a terminal, where a line can be drawn again. */
  readonly isTTY?: boolean;
  /** Characters in a line of a terminal. */
  readonly columns?: number;
  write(text: string): unknown;
}

/** A file that is being written. */
export interface HostFile {
  /** @throws DataError if it cannot be written; its `cause.code` is ENOSPC where the disk is full */
  write(bytes: Uint8Array): Promise<void>;
  /** Flushes what was written to the disk. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** A lock that other processes respect, too (see `Host.lockFile`). */
export interface HostLock {
  /**
   * Aborted when another process has taken the lock over, because this one gave no sign of life
   * (it was suspended).
   */
  readonly lost: AbortSignal;
  /** Gives the lock back, if it is still held. Never rejects. */
  release(): Promise<void>;
}

/** How to wait for a lock. */
export interface LockOptions {
  /** Ends the waiting; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called once, when another one has the lock, which may be dead. */
  readonly onWait?: (() => void) | undefined;
  /** Called once, when that one has shown that it lives: after its next sign of life at the latest. */
  readonly onHeld?: (() => void) | undefined;
  /**
   * A holder that gives no sign of life for so long is dead; default 20,000. Once it holds the lock,
   * a process gives twenty signs in this time.
   */
  readonly staleMilliseconds?: number | undefined;
}

/** The answer to an HTTP request. */
export interface HostResponse {
  readonly status: number;
  readonly statusText: string;
  /** The value of a header, by its name in lower case. */
  header(name: string): string | undefined;
  /** The bytes as they were sent: a `Content-Encoding` is not undone. Rejects if they break off. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the transfer, whatever has come of the body. */
  close(): void;
}

/**
 * What the project needs of the machine below it. `node.ts` and `browser.ts` each export these
 * names; `#host` resolves to the one that fits. Files exist in Node only: in a browser, the
 * functions on files reject with a StateError.
 */
export interface Host {
  /**
   * The bytes of a file.
   *
   * @throws DataError if it cannot be read
   */
  readFile(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Reads a file from its start into `buffer` from index `offset` on, until the file or the buffer
   * ends, and returns the number of bytes read.
   *
   * @throws DataError if it cannot be read
   */
  readInto(path: string, buffer: Uint8Array, offset: number): Promise<number>;
  /**
   * Bytes of a file, or undefined if there is none at this path.
   *
   * @throws DataError if it cannot be told, for lack of a permission
   */
  fileSize(path: string): Promise<number | undefined>;
  /** True if there is a folder at this path. */
  isDirectory(path: string): Promise<boolean>;
  /** Joins parts of a path in the machine's own way. */
  joinPath(...parts: string[]): string;
  /**
   * Writes a file so that after a crash at any time there is the old file or the new one, never a
   * part: to a temporary file in the same folder, flushed to the disk, and then renamed.
   *
   * @throws DataError if it cannot be written; the temporary file is gone then
   */
  writeFileAtomic(path: string, bytes: Uint8Array): Promise<void>;
  /**
   * Opens a file to write at its end, or a new one: with `isNew`, a file that is there is an error.
   *
   * @throws DataError if it cannot be opened
   */
  appendFile(path: string, isNew?: boolean): Promise<HostFile>;
  /**
   * Cuts a file off after so many bytes; the cut is on the disk when it resolves.
   *
   * @throws DataError if there is no file, if it is shorter, or if it cannot be written
   */
  truncateFile(path: string, bytes: number): Promise<void>;
  /** The bytes of a file, piece by piece. Rejects with a DataError if it cannot be read. */
  readChunks(path: string): AsyncIterable<Uint8Array>;
  /** Makes a folder and those that it is in; nothing where it is there. */
  makeFolder(path: string): Promise<void>;
  /** The names in a folder; none where there is no folder. */
  listFolder(path: string): Promise<string[]>;
  /** Renames a file or folder. A folder that is not empty is not replaced. */
  renamePath(from: string, to: string): Promise<void>;
  /** Removes a file, or a folder with all that is in it; nothing where there is none. */
  removePath(path: string): Promise<void>;
  /**
   * The folder for what a program may lose: `$XDG_CACHE_HOME`, else `~/Library/Caches` (macOS),
   * `%LOCALAPPDATA%` (Windows), `~/.cache`; in it, one with the library's name.
   */
  cacheFolder(): string;
  /**
   * Takes a lock: a file that exists as long as a process holds it. Waits while another process
   * does. A holder that has died, or that gives no sign of life, loses the lock.
   *
   * @throws DataError if the file cannot be made
   */
  lockFile(path: string, options?: LockOptions): Promise<HostLock>;

  /** The bytes that a gzip stream holds. Rejects with a DataError if it is broken or breaks off. */
  gunzip(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /**
   * Asks for a URL (http or https) and follows redirects. Rejects with what the machine says where
   * there is no answer, and with the signal's reason.
   */
  httpGet(
    url: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HostResponse>;

  /** Where a program's text goes; undefined in browsers, where `console` is all there is. */
  standardOutput(): HostOutput | undefined;
  /** Where a program tells what it is doing; undefined in browsers. */
  standardError(): HostOutput | undefined;

  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** The time of `now()` at which the process (the page) started. */
  processStart(): number;
  /** SHA-256 of the bytes, as 64 hexadecimal digits in lower case. */
  sha256(bytes: Uint8Array): Promise<string>;
  /** SHA-256 of what comes piece by piece. */
  sha256OfChunks(chunks: AsyncIterable<Uint8Array>): Promise<string>;
  /** CRC-32 of the bytes, as in zip archives, as an unsigned number. */
  crc32(bytes: Uint8Array): number;
  /** Number of threads that the machine runs at the same time, at least 1. */
  cpuCount(): number;
  /** Bytes this process may still take, or undefined where that cannot be told. */
  memoryAvailable(): number | undefined;
  /** The value of an environment variable; undefined where it is not set, and in browsers. */
  environment(name: string): string | undefined;
  /** The machine's name and the number of this process: `machine.4711`; in browsers `browser.0`. */
  processName(): string;
  /** What the process runs on, for records. */
  machine(): HostMachine;

  /**
   * Starts a worker thread on plain JavaScript text, a classic script. It sees two functions:
   * `receive(handler)` sets the function that is called with each posted value (to be called
   * before the script's first turn ends: a browser drops what nobody receives), and
   * `send(value, transfer?)` sends a value to `onMessage`. A new worker does not keep the process
   * alive (see `ref`).
   *
   * `onError` is called at most once, with a DeviceError, when the worker ends without `terminate`:
   * by an uncaught error or a rejection that nobody handles (the message has its text, `cause` is
   * the error) or by an exit of its own. (A browser does not report `self.close()`.)
   */
  startWorker(
    source: string,
    onMessage: (value: unknown) => void,
    onError: (error: Error) => void,
    options?: WorkerOptions,
  ): HostWorker;
  /**
   * True if a worker's text can load the library's own modules by their URL (`import(url)`): in Node.
   * In browsers a bundler has put them elsewhere.
   */
  workersLoadModules(): boolean;
  /** True if memory can be shared with workers; in browsers, if the page is isolated. */
  sharedMemoryAvailable(): boolean;
  /**
   * Switches relaxed SIMD (fused multiply-add) on for WebAssembly modules compiled afterwards, in
   * versions of Node that have it but leave it off (below 22). Elsewhere it does nothing: whether
   * relaxed SIMD is there is found out by validating a module.
   */
  enableRelaxedSimd(): void;
}
