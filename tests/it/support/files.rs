//! Configuration folders for tests.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A folder with a configuration.
pub struct Folder {
    dir: TempDir,
}

impl Folder {
    /// Writes `relaybell.yaml` and one rule file.
    pub fn new(config: &str, rules: &str) -> Self {
        let folder = Self { dir: tempfile::tempdir().unwrap() };
        folder.write("relaybell.yaml", config);
        folder.write("rules/rules.yaml", rules);
        fs::create_dir_all(folder.path().join("templates")).unwrap();
        folder
    }

    /// Writes a file below the folder.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.path().join("relaybell.yaml")
    }
}
