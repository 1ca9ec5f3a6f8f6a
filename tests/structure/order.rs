//! The order of the layers, read from the fenced `layers` block of `ARCHITECTURE.md`.

use crate::sources::workspace;

/// The layers of one crate, ground first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order(pub(crate) Vec<Layer>);

/// Files and folders that may import each other and every layer before them.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) names: Vec<String>,
}

impl Order {
    /// Reads the order of a crate from the block in `ARCHITECTURE.md`.
    pub(crate) fn read(krate: &str) -> Self {
        let text = std::fs::read_to_string(workspace().join("ARCHITECTURE.md")).unwrap();
        Self::parse(&text, krate)
            .unwrap_or_else(|| panic!("ARCHITECTURE.md has no `layers` block with `{krate}` in it"))
    }

    /// Reads a crate's layers from a page: the indented lines below its name. `#` opens a caption.
    pub(crate) fn parse(page: &str, krate: &str) -> Option<Self> {
        let mut block = page
            .lines()
            .skip_while(|line| line.trim() != "```layers")
            .skip(1)
            .take_while(|line| line.trim() != "```");
        block.find(|line| line.trim_end() == krate)?;
        let layers = block
            .take_while(|line| line.is_empty() || line.starts_with(' '))
            .map(|line| line.split('#').next().unwrap_or_default())
            .filter(|names| !names.trim().is_empty());
        let layers = layers.map(|names| Layer {
            names: names
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect(),
        });
        Some(Self(layers.collect()))
    }

    /// Returns the layer that names a file: its own name, or the longest of the folders around it.
    pub(crate) fn layer_of(&self, file: &str) -> Option<usize> {
        let stem = file.strip_suffix(".rs").unwrap_or(file);
        let around = |name: &str| {
            let rest = stem.strip_prefix(name)?;
            (rest.is_empty() || rest.starts_with('/')).then_some(name.len())
        };
        let named = self.0.iter().enumerate().flat_map(|(level, layer)| {
            let lengths = layer.names.iter().filter_map(|name| around(name));
            lengths.map(move |length| (length, level))
        });
        named.max().map(|(_, level)| level)
    }

    /// Returns the names that stand for none of these files.
    pub(crate) fn unused<'a>(&'a self, files: &[&str]) -> Vec<&'a str> {
        let names = self.0.iter().flat_map(|layer| &layer.names);
        let is_unused = |name: &&String| {
            let (file, folder) = (format!("{name}.rs"), format!("{name}/"));
            !files
                .iter()
                .any(|path| *path == file || path.starts_with(&folder))
        };
        names.filter(is_unused).map(String::as_str).collect()
    }
}

#[test]
fn reads_layers_and_captions_of_one_crate() {
    let page = "# A page\n```layers\none\n    a, b # ground\n\n    c\ntwo\n    d\n```\nrest\n";
    let order = Order::parse(page, "one").unwrap();
    let names: Vec<_> = order.0.iter().map(|layer| layer.names.join("+")).collect();
    assert_eq!(names, ["a+b", "c"]);
    assert!(Order::parse(page, "three").is_none());
}

#[test]
fn the_longest_name_around_a_file_is_its_layer() {
    let page = "```layers\none\n    a/deep\n    a, b\n```\n";
    let order = Order::parse(page, "one").unwrap();
    assert_eq!(order.layer_of("a/deep/mod.rs"), Some(0));
    assert_eq!(order.layer_of("a/deeper.rs"), Some(1));
    assert_eq!(order.layer_of("b.rs"), Some(1));
    assert_eq!(order.layer_of("bee.rs"), None);
    assert_eq!(order.unused(&["a/mod.rs"]), ["a/deep", "b"]);
}
