/** The part of h5wasm's lower level that is used, as its C++ defines it (its own types are partial). */

/** What a value in a file is. */
export interface Metadata {
  readonly type: number;
  /** Bytes of an element. */
  readonly size: number;
  readonly signed: boolean;
  /** True for strings of variable length. */
  readonly vlen: boolean;
  /** null: there is no dataspace. */
  readonly shape: readonly number[] | null;
  readonly chunks?: readonly number[] | null;
  readonly strpad?: number;
  readonly array_type?: Metadata;
  readonly enum_type?: {
    readonly type: number;
    readonly members: Readonly<Record<string, number>>;
  };
  readonly virtual_sources?: readonly unknown[];
}

/** What a value is to be when it is written. */
export interface NewMetadata {
  readonly type: number;
  readonly size: number;
  readonly signed: boolean;
  readonly vlen: boolean;
  readonly cset?: number;
  readonly shape: readonly bigint[];
  readonly maxshape: readonly bigint[];
  readonly chunks: null;
}

export interface FileSystem {
  writeFile(path: string, bytes: Uint8Array, options?: { canOwn: boolean }): void;
  readFile(path: string): Uint8Array;
  unlink(path: string): void;
  analyzePath(path: string): { readonly exists: boolean };
}

/** Functions throw what HDF5 says, once the throwing handler is on. */
export interface H5Module {
  readonly FS: FileSystem;
  /** Another array after each growth of the memory. */
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
  readonly H5F_ACC_RDONLY: number;
  readonly H5F_ACC_TRUNC: number;
  readonly H5G_GROUP: number;
  readonly H5G_DATASET: number;
  readonly H5G_LINK: number;
  activate_throwing_error_handler(): number;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  open(path: string, mode: number, track: boolean, low: number, high: number): bigint;
  close_file(file: bigint): number;
  get_names(file: bigint, path: string, recursive: boolean): string[];
  get_type(file: bigint, path: string): number;
  get_external_link(file: bigint, path: string): { filename?: string };
  get_attribute_names(file: bigint, path: string): string[];
  get_attribute_metadata(file: bigint, path: string, name: string): Metadata;
  get_attribute_data(file: bigint, path: string, name: string, pointer: bigint): number;
  get_dataset_metadata(file: bigint, path: string): Metadata;
  get_dataset_filters(file: bigint, path: string): { id: number; name: string }[];
  get_dataset_data(
    file: bigint,
    path: string,
    count: null,
    offset: null,
    strides: null,
    pointer: bigint,
  ): number;
  reclaim_vlen_memory(file: bigint, path: string, attribute: string, pointer: bigint): number;
  create_group(file: bigint, path: string, track: boolean): number;
  create_dataset(file: bigint, path: string, pointer: bigint, type: NewMetadata): number;
  create_vlen_str_dataset(
    file: bigint,
    path: string,
    strings: readonly string[],
    type: NewMetadata,
  ): number;
  create_attribute(
    file: bigint,
    path: string,
    name: string,
    pointer: bigint,
    type: NewMetadata,
  ): number;
  create_vlen_str_attribute(
    file: bigint,
    path: string,
    name: string,
    strings: readonly string[],
    type: NewMetadata,
  ): number;
}
