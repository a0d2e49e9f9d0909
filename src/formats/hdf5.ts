/** HDF5 files: groups, arrays and attributes, by the HDF5 library itself (h5wasm). */
export { readHdf5 } from "./hdf5/read.ts";
export { rewriteHdf5 } from "./hdf5/rewrite.ts";
export type {
  H5Attributes,
  H5Dataset,
  H5Group,
  H5Value,
  ReadHdf5Options,
} from "./hdf5/types.ts";
export { writeHdf5 } from "./hdf5/write.ts";
